// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// completeForKubectl is the program that kubectl runs to complete `kubectl recordings ...`. It has to be on the PATH, by the name
// kubectl_complete-recordings; cmd/kubectl-recordings has the same one for those who install from a checkout.
const completeForKubectl = `#!/bin/sh
# kubectl runs this to complete ` + "`kubectl recordings ...`" + `; it has to be on the PATH beside the plugin.
exec kubectl-recordings __complete "$@"
`

const completionHelp = `Print what completes the plugin's command line.

With kubectl, which completes "kubectl recordings" by a program on the PATH:

  kubectl recordings completion kubectl > ~/.local/bin/kubectl_complete-recordings
  chmod +x ~/.local/bin/kubectl_complete-recordings

Without kubectl, for "kubectl-recordings" in the shell:

  source <(kubectl-recordings completion bash)`

func newCompletion(env Environment) *cobra.Command {
	shells := []string{"kubectl", "bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:                   "completion (kubectl | bash | zsh | fish | powershell)",
		DisableFlagsInUseLine: true,
		Short:                 "Print what completes the plugin's command line",
		Long:                  completionHelp,
		Args:                  exactArgs("kubectl or the shell"),
		ValidArgs:             shells,
		RunE: func(command *cobra.Command, args []string) error {
			root := command.Root()
			switch args[0] {
			case "kubectl":
				_, err := fmt.Fprint(env.Out, completeForKubectl)
				return failed(err)
			case "bash":
				return failed(root.GenBashCompletionV2(env.Out, true))
			case "zsh":
				return failed(root.GenZshCompletion(env.Out))
			case "fish":
				return failed(root.GenFishCompletion(env.Out, true))
			case "powershell":
				return failed(root.GenPowerShellCompletionWithDesc(env.Out))
			}
			return usagef("completion is for %v, not %q", shells, args[0])
		},
	}
}
