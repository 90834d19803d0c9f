// The command line: names, flags and help of the cluster's own commands.
//
// It owns no behaviour. Standard output carries only what a script wants (a path); progress and
// errors go to standard error.
package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

const rootHelp = `A real Kubernetes API for tests: etcd and kube-apiserver on 127.0.0.1, in seconds, with no
container and no network. Everything that a cluster owns is in the folder that --dir names.

Upstream's commands are inside: portolan-cluster kubectl get namespaces`

const upHelp = `Starts a new, empty cluster and prints the path of the administrator's kubeconfig when it is ready.

Without --detach it then stays in the foreground and stops the cluster on SIGTERM, on SIGINT and when
its standard input ends: a test that holds the other end of that pipe takes the cluster with it when it
dies. With --detach it returns, and the cluster runs until down.`

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "portolan-cluster",
		Short:         "a real Kubernetes API for tests",
		Long:          rootHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		newUp(),
		onDir("down", "stop everything and remove the data", func(dir layout) error { return down(dir) }),
		onDir("stop-api", "stop only kube-apiserver", func(dir layout) error { return stopAPI(dir) }),
		onDir("start-api", "start kube-apiserver again, on the same port", func(dir layout) error { return startAPI(dir) }),
		newUser(),
	)
	return root
}

func newUp() *cobra.Command {
	var dir string
	var options upOptions
	command := &cobra.Command{
		Use:   "up --dir DIR [--detach] [--controller-manager]",
		Short: "start a new, empty cluster",
		Long:  upHelp,
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			place, err := newLayout(dir)
			if err != nil {
				return err
			}
			return up(place, options)
		},
	}
	command.Flags().BoolVar(&options.detach, "detach", false, "return when ready and leave the cluster running")
	command.Flags().BoolVar(&options.controllerManager, "controller-manager", false,
		"also run kube-controller-manager (garbage collection, deletion of namespaces)")
	requireDir(command, &dir)
	return command
}

func newUser() *cobra.Command {
	var dir string
	var groups []string
	command := &cobra.Command{
		Use:   "user --dir DIR NAME [--group GROUP]...",
		Short: "write a kubeconfig for a user with a client certificate, and print its path",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			place, err := newLayout(dir)
			if err != nil {
				return err
			}
			path, err := addUser(place, args[0], groups)
			if err != nil {
				return err
			}
			fmt.Println(path)
			return nil
		},
	}
	command.Flags().StringArrayVar(&groups, "group", nil, "group of the user (repeatable)")
	requireDir(command, &dir)
	return command
}

// onDir makes a command that has no argument but the cluster's folder.
func onDir(name, short string, run func(layout) error) *cobra.Command {
	var dir string
	command := &cobra.Command{
		Use:   name + " --dir DIR",
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			place, err := newLayout(dir)
			if err != nil {
				return err
			}
			return run(place)
		},
	}
	requireDir(command, &dir)
	return command
}

func requireDir(command *cobra.Command, dir *string) {
	command.Flags().StringVar(dir, "dir", "", "folder of the cluster")
	if err := command.MarkFlagRequired("dir"); err != nil {
		panic(err) // the flag is defined in the line above
	}
}
