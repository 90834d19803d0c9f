// The test cluster's binary: an upstream component if it is called as one, else its own commands.
package main

import (
	"fmt"
	"os"
	_ "time/tzdata" // the binary is static and must not depend on the machine's zone files

	"k8s.io/component-base/cli"
)

func main() {
	if build, args := selectComponent(os.Args); build != nil {
		os.Args = args
		if path := os.Getenv(lifelineVariable); path != "" {
			go exitWithLifeline(path)
		}
		os.Exit(cli.Run(build()))
	}
	if err := newRoot().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "portolan-cluster:", err)
		os.Exit(1)
	}
}
