package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"slices"
	"testing"
	"time"
)

func TestAServersCertificateIsValidForItsNamesAndAddressesOnly(t *testing.T) {
	ca := testAuthority(t)
	issued, err := ca.server("kube-apiserver", []string{"localhost"}, []net.IP{net.ParseIP(loopback)})
	if err != nil {
		t.Fatal(err)
	}
	certificate := parse(t, issued)
	for name, valid := range map[string]bool{"localhost": true, loopback: true, "example.org": false} {
		options := x509.VerifyOptions{Roots: pool(ca), DNSName: name, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		if _, err := certificate.Verify(options); (err == nil) != valid {
			t.Errorf("%s: valid should be %v: %v", name, valid, err)
		}
	}
}

func TestAClientsCertificateCarriesItsNameAndGroups(t *testing.T) {
	ca := testAuthority(t)
	issued, err := ca.client("alice", []string{"readers", "writers"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair(issued.certificate, issued.key); err != nil {
		t.Fatalf("the key is not the certificate's: %v", err)
	}
	certificate := parse(t, issued)
	if certificate.Subject.CommonName != "alice" {
		t.Errorf("user is %q", certificate.Subject.CommonName)
	}
	groups := certificate.Subject.Organization
	slices.Sort(groups)
	if !slices.Equal(groups, []string{"readers", "writers"}) {
		t.Errorf("groups are %q", groups)
	}
	asServer := x509.VerifyOptions{Roots: pool(ca), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if _, err := certificate.Verify(asServer); err == nil {
		t.Error("a client's certificate must not serve")
	}
}

func TestAnotherAuthoritysCertificateIsRefused(t *testing.T) {
	issued, err := testAuthority(t).client("alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	options := x509.VerifyOptions{Roots: pool(testAuthority(t)), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := parse(t, issued).Verify(options); err == nil {
		t.Error("verified by an authority that did not sign it")
	}
}

func TestAnAuthorityReadBackSignsTheSame(t *testing.T) {
	original := testAuthority(t)
	read, err := parseAuthority(original.pem)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := read.client("bob", nil)
	if err != nil {
		t.Fatal(err)
	}
	options := x509.VerifyOptions{Roots: pool(original), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, CurrentTime: time.Now()}
	if _, err := parse(t, issued).Verify(options); err != nil {
		t.Error(err)
	}
}

func testAuthority(t *testing.T) *authority {
	t.Helper()
	ca, err := newAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func pool(ca *authority) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(ca.certificate)
	return roots
}

func parse(t *testing.T, issued pair) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(issued.certificate)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
