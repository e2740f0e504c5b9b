// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import "strings"

// treeNode is a line and what hangs below it.
type treeNode struct {
	// name is what child finds it by.
	name     string
	text     string
	children []*treeNode
}

func (n *treeNode) add(text string) *treeNode {
	made := &treeNode{text: text}
	n.children = append(n.children, made)
	return made
}

func (n *treeNode) addFirst(text string) *treeNode {
	made := &treeNode{text: text}
	n.children = append([]*treeNode{made}, n.children...)
	return made
}

// child is the one of a name; nil: there is none.
func (n *treeNode) child(name string) *treeNode {
	for _, each := range n.children {
		if each.name == name && name != "" {
			return each
		}
	}
	return nil
}

// String draws the tree. Untrusted text is escaped.
func (n *treeNode) String() string {
	var text strings.Builder
	n.draw(&text, "", "")
	return text.String()
}

func (n *treeNode) draw(text *strings.Builder, first, rest string) {
	for i, line := range strings.Split(n.text, "\n") {
		prefix := first
		if i > 0 {
			prefix = rest
		}
		text.WriteString(prefix + plain(line) + "\n")
	}
	for i, each := range n.children {
		if i == len(n.children)-1 {
			each.draw(text, rest+"└─ ", rest+"   ")
		} else {
			each.draw(text, rest+"├─ ", rest+"│  ")
		}
	}
}
