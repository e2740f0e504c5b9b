// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"sparkrtc.dev/recording-operator/internal/follow"
)

// watchScreen is the table on a terminal. Its methods are functions of what it holds: nothing here asks the cluster.
type watchScreen struct {
	files                    *fileSet
	withNamespace, untilDone bool
	// table has the header and a row for each file, as the files are.
	table []string
	// width and height of the terminal, in cells.
	width, height int
	// top is the first row that is shown below the header.
	top     int
	trouble string
}

func newWatchScreen(files *fileSet, withNamespace, untilDone bool) watchScreen {
	return watchScreen{files: files, withNamespace: withNamespace, untilDone: untilDone, table: tableOf(files.sorted(), withNamespace)}
}

// besideRows are the lines of the screen that are no rows: the header and the footer.
const besideRows = 2

// Init has nothing to begin with: the changes are sent.
func (watchScreen) Init() tea.Cmd { return nil }

// Update takes in a key, a size of the terminal, or a change of fileWatcher.
func (s watchScreen) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = message.Width, message.Height
	case tea.KeyPressMsg:
		switch message.String() {
		case "q", "ctrl+c":
			return s, tea.Quit
		default:
			s.top += s.scrolledBy(message.String())
		}
	case follow.Trouble:
		s.trouble = plain(message.Text())
	case filesListed:
		s.trouble = ""
		s.apply(message)
	case fileChanged, fileDeleted:
		s.apply(message)
	}
	s.top = max(0, min(s.top, len(s.table)-1-s.rows()))
	if s.untilDone && s.files.done() {
		return s, tea.Quit
	}
	return s, nil
}

// scrolledBy is how many rows a key scrolls down.
func (s watchScreen) scrolledBy(key string) int {
	switch key {
	case "down", "j":
		return 1
	case "up", "k":
		return -1
	case "pgdown", "space":
		return s.rows()
	case "pgup":
		return -s.rows()
	case "home", "g":
		return -s.top
	case "end", "G":
		return len(s.table)
	}
	return 0
}

// rows is how many rows the terminal has room for.
func (s watchScreen) rows() int { return max(0, s.height-besideRows) }

func (s *watchScreen) apply(change any) {
	s.files.apply(change)
	s.table = tableOf(s.files.sorted(), s.withNamespace)
}

// View draws the header, the rows from top on, and the footer.
func (s watchScreen) View() tea.View {
	end := min(len(s.table), 1+s.top+s.rows())
	lines := append([]string{s.table[0]}, s.table[min(1+s.top, end):end]...)
	lines = append(lines, s.footer(len(s.table)-1))
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], s.width, "…")
	}
	view := tea.NewView(strings.Join(lines, "\n"))
	view.AltScreen = true
	return view
}

// footer says what a person may want to know who sees a part of the table, or an old one.
func (s watchScreen) footer(rows int) string {
	switch {
	case s.trouble != "":
		return s.trouble
	case !s.files.listed:
		return "listing recordings …  q: quit"
	case len(s.files.files) == 0:
		return "no recordings yet  q: quit"
	case rows > s.rows():
		return fmt.Sprintf("%d-%d of %d  up/down: scroll  q: quit", s.top+1, min(rows, s.top+s.rows()), rows)
	}
	return "q: quit"
}

// runScreen shows the table until a key ends it. What --until-done found stays on the terminal.
func (o *watchOptions) runScreen(ctx context.Context, files *fileSet) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	program := tea.NewProgram(newWatchScreen(files, o.allNamespaces, o.untilDone),
		tea.WithContext(ctx), tea.WithInput(o.env.In), tea.WithOutput(o.env.Out), tea.WithoutSignalHandler())
	followed := make(chan error, 1)
	go func() {
		err := o.watcher.follow(ctx, func(change any) { program.Send(change) })
		followed <- err
		if err != nil {
			program.Quit()
		}
	}()
	_, runErr := program.Run()
	interrupted := ctx.Err() != nil
	stop()
	if err := <-followed; err != nil {
		return err
	}
	if runErr != nil && !interrupted {
		return fmt.Errorf("draw the table: %w", runErr)
	}
	if !o.untilDone {
		return nil
	}
	_, err := fmt.Fprintln(o.env.Out, strings.Join(tableOf(files.sorted(), o.allNamespaces), "\n"))
	return err
}
