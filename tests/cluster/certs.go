// Certificates of a cluster: one authority, the API server's, and clients', all P-256.
//
// Nothing here is for production: keys lie in the cluster's folder, readable by its owner only.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

const (
	validFor  = 365 * 24 * time.Hour
	clockSkew = time.Hour
)

// pair is a certificate and its key, both PEM.
type pair struct{ certificate, key []byte }

// authority signs the certificates of one cluster.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         pair
}

func newAuthority(name string) (*authority, error) {
	template := newTemplate(pkix.Name{CommonName: name})
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	signed, err := sign(template, template, key, key)
	if err != nil {
		return nil, err
	}
	return parseAuthority(signed)
}

func parseAuthority(text pair) (*authority, error) {
	certificate, _ := pem.Decode(text.certificate)
	key, _ := pem.Decode(text.key)
	if certificate == nil || key == nil {
		return nil, errors.New("the authority is not PEM")
	}
	parsed, err := x509.ParseCertificate(certificate.Bytes)
	if err != nil {
		return nil, err
	}
	private, err := x509.ParseECPrivateKey(key.Bytes)
	if err != nil {
		return nil, err
	}
	return &authority{parsed, private, text}, nil
}

// server issues the API server's certificate for the given names and addresses.
func (a *authority) server(name string, dns []string, addresses []net.IP) (pair, error) {
	template := newTemplate(pkix.Name{CommonName: name})
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames, template.IPAddresses = dns, addresses
	return a.issue(template)
}

// client issues a user's certificate. Kubernetes takes the user's name from CN, the groups from O.
func (a *authority) client(user string, groups []string) (pair, error) {
	template := newTemplate(pkix.Name{CommonName: user, Organization: groups})
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(template)
}

func (a *authority) issue(template *x509.Certificate) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	return sign(template, a.certificate, key, a.key)
}

func newTemplate(subject pkix.Name) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               subject,
		NotBefore:             time.Now().Add(-clockSkew),
		NotAfter:              time.Now().Add(validFor),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
}

func sign(template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) (pair, error) {
	certificate, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return pair{}, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{
		certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		key:         pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
	}, nil
}

// newTokenKeys makes the pair that signs and verifies service account tokens. Its certificate
// field holds the bare public key.
func newTokenKeys() (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return pair{}, err
	}
	return pair{
		certificate: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		key:         pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
	}, nil
}

// write puts the pair into two files that only their owner may read.
func (p pair) write(certificateFile, keyFile string) error {
	if err := os.WriteFile(certificateFile, p.certificate, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(keyFile, p.key, 0o600); err != nil {
		return fmt.Errorf("%s: %w", keyFile, err)
	}
	return nil
}
