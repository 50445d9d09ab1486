// Command controlplane holds the programs of a Kubernetes control plane for tests, and kubectl: which of them it is depends
// on the name that it is called by. A folder with links to it under those names is what envtest calls KUBEBUILDER_ASSETS.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // schedules name time zones, and a test machine may have none

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // the metrics of the programs' own clients
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

var programs = map[string]func(){
	"etcd":                    func() { etcdmain.Main(os.Args) },
	"kube-apiserver":          command(apiserver.NewAPIServerCommand),
	"kube-controller-manager": command(controllers.NewControllerManagerCommand),
	"kubectl":                 command(kubectl.NewDefaultKubectlCommand),
}

func main() {
	program, known := programs[filepath.Base(os.Args[0])]
	if !known {
		names := strings.Join(slices.Sorted(maps.Keys(programs)), ", ")
		fmt.Fprintf(os.Stderr, "%s: call me by one of these names, through a link: %s\n", os.Args[0], names)
		os.Exit(2)
	}
	program()
}

func command(create func() *cobra.Command) func() {
	return func() { os.Exit(cli.Run(create())) }
}
