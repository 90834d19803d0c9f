// Component dispatch: the table of upstream commands that this binary can be.
//
// It owns which Kubernetes commands are linked in, and nothing about how they are run.
package main

import (
	"path/filepath"

	"github.com/spf13/cobra"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client-go's metrics on /metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // build_info on /metrics
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// components maps a command's name to its constructor. Adding a component (kube-scheduler,
// kubelet, kube-proxy) is one import and one line here.
var components = map[string]func() *cobra.Command{
	"etcd":                    newEtcd,
	"kube-apiserver":          func() *cobra.Command { return apiserver.NewAPIServerCommand() },
	"kube-controller-manager": func() *cobra.Command { return controllermanager.NewControllerManagerCommand() },
	"kubectl":                 func() *cobra.Command { return kubectl.NewDefaultKubectlCommand() },
}

// selectComponent finds the component that args name, by the program's own name (a symbolic
// link) or by the first argument. The arguments that it returns start with the component's name,
// as the component's own parser expects.
func selectComponent(args []string) (func() *cobra.Command, []string) {
	if build, ok := components[filepath.Base(args[0])]; ok {
		return build, args
	}
	if len(args) > 1 {
		if build, ok := components[args[1]]; ok {
			return build, args[1:]
		}
	}
	return nil, args
}
