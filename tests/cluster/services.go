// The services of a cluster: their names, order and command lines.
//
// Adding one (kube-scheduler) is its name in serviceNames, its arguments here and its line in up.
package main

import "net/url"

const (
	etcdName              = "etcd"
	apiserverName         = "kube-apiserver"
	controllerManagerName = "kube-controller-manager"

	loopback       = "127.0.0.1"
	serviceRange   = "10.96.0.0/16"
	serviceIP      = "10.96.0.1" // the first of the range is the API server's own Service
	serviceAccount = "https://kubernetes.default.svc.cluster.local"
)

// serviceNames is in the order of starting; stopping goes backwards.
var serviceNames = []string{etcdName, apiserverName, controllerManagerName}

func etcdService(l layout, d description) service {
	return service{etcdName, []string{
		"--data-dir=" + l.etcdData(),
		"--listen-client-urls=" + d.Etcd,
		"--listen-peer-urls=" + d.EtcdPeer,
		"--unsafe-no-fsync",
	}}
}

func apiserverService(l layout, d description) service {
	return service{apiserverName, []string{
		"--etcd-servers=" + d.Etcd,
		"--secure-port=" + portOf(d.APIServer),
		"--bind-address=" + loopback,
		"--advertise-address=" + loopback,
		"--endpoint-reconciler-type=none", // it refuses a loopback address
		"--service-cluster-ip-range=" + serviceRange,
		"--tls-cert-file=" + l.pki("apiserver.crt"),
		"--tls-private-key-file=" + l.pki("apiserver.key"),
		"--client-ca-file=" + l.pki("ca.crt"),
		"--service-account-key-file=" + l.pki("sa.pub"),
		"--service-account-signing-key-file=" + l.pki("sa.key"),
		"--service-account-issuer=" + serviceAccount,
		"--authorization-mode=RBAC",
		"--disable-admission-plugins=ServiceAccount", // nobody makes the account that it waits for
		"--allow-privileged=true",
		"--v=1",
	}}
}

func controllerManagerService(l layout, d description, port string) service {
	kubeconfig := l.userKubeconfig(controllerManagerName)
	return service{controllerManagerName, []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--service-account-private-key-file=" + l.pki("sa.key"),
		"--root-ca-file=" + l.pki("ca.crt"),
		"--use-service-account-credentials=true",
		"--kube-api-qps=1000", // with the default its controllers start throttled, 5 s late
		"--kube-api-burst=1000",
		"--leader-elect=false",
		"--bind-address=" + loopback,
		"--secure-port=" + port,
	}}
}

// portOf is the port of a URL that this program wrote.
func portOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Port()
}
