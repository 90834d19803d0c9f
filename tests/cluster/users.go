// Users: kubeconfigs with a client certificate, and the cluster's own credentials.
//
// It owns what is written under pki/ and users/ and the administrator's kubeconfig.
package main

import (
	"net"
	"net/url"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	adminUser  = "portolan-test-admin"
	adminGroup = "system:masters" // the API server's built-in group that RBAC never refuses
)

// writeCredentials makes every certificate, key and kubeconfig of a new cluster.
func writeCredentials(l layout, d description) error {
	ca, err := newAuthority("portolan-test-cluster")
	if err != nil {
		return err
	}
	if err := ca.pem.write(l.pki("ca.crt"), l.pki("ca.key")); err != nil {
		return err
	}
	dns := []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
	server, err := ca.server("kube-apiserver", dns, []net.IP{net.ParseIP(loopback), net.ParseIP(serviceIP)})
	if err != nil {
		return err
	}
	if err := server.write(l.pki("apiserver.crt"), l.pki("apiserver.key")); err != nil {
		return err
	}
	tokens, err := newTokenKeys()
	if err != nil {
		return err
	}
	if err := tokens.write(l.pki("sa.pub"), l.pki("sa.key")); err != nil {
		return err
	}
	if err := writeKubeconfig(ca, d, l.kubeconfig(), adminUser, []string{adminGroup}); err != nil {
		return err
	}
	return writeKubeconfig(ca, d, l.userKubeconfig(controllerManagerName), "system:"+controllerManagerName, nil)
}

// addUser writes a kubeconfig for a user of a running cluster.
func addUser(l layout, name string, groups []string) (string, error) {
	d, err := readDescription(l)
	if err != nil {
		return "", err
	}
	var text pair
	if text.certificate, err = os.ReadFile(l.pki("ca.crt")); err != nil {
		return "", err
	}
	if text.key, err = os.ReadFile(l.pki("ca.key")); err != nil {
		return "", err
	}
	ca, err := parseAuthority(text)
	if err != nil {
		return "", err
	}
	path := l.userKubeconfig(url.PathEscape(name)) // a user's name may hold a slash
	return path, writeKubeconfig(ca, d, path, name, groups)
}

// writeKubeconfig holds everything inline, so that the file can be copied elsewhere.
func writeKubeconfig(ca *authority, d description, path, user string, groups []string) error {
	certificate, err := ca.client(user, groups)
	if err != nil {
		return err
	}
	const name = "portolan-test"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: d.APIServer, CertificateAuthorityData: ca.pem.certificate}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{
		ClientCertificateData: certificate.certificate,
		ClientKeyData:         certificate.key,
	}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user, Namespace: "default"}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, path)
}
