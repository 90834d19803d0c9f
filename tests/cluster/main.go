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
		os.Exit(cli.Run(build()))
	}
	fmt.Println("x")
}
