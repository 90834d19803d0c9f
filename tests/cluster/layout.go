// The folder of a cluster: where each of its files is, and the description that others read.
//
// It owns paths and cluster.json. It starts and stops nothing.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// layout is the absolute path of a cluster's folder. Absolute, because a process is recognised as
// ours by this path in its command line.
type layout string

func newLayout(dir string) (layout, error) {
	if dir == "" {
		return "", errors.New("--dir is empty")
	}
	absolute, err := filepath.Abs(dir)
	return layout(absolute), err
}

func (l layout) path(parts ...string) string {
	return filepath.Join(append([]string{string(l)}, parts...)...)
}

func (l layout) pki(file string) string        { return l.path("pki", file) }
func (l layout) pidFile(service string) string { return l.path("run", service+".pid") }
func (l layout) logFile(service string) string { return l.path("log", service+".log") }
func (l layout) lifeline() string              { return l.path("run", "lifeline") }
func (l layout) etcdData() string              { return l.path("etcd") }
func (l layout) kubeconfig() string            { return l.path("kubeconfig") }
func (l layout) userKubeconfig(file string) string {
	return l.path("users", file+".kubeconfig")
}

// prepare makes the folders of a new cluster and removes what an earlier one left.
func (l layout) prepare() error {
	for _, stale := range []string{"etcd", "pki", "users", "log", "run", "kubeconfig", "cluster.json"} {
		if err := os.RemoveAll(l.path(stale)); err != nil {
			return err
		}
	}
	for _, folder := range []string{"etcd", "pki", "users", "log", "run"} {
		if err := os.MkdirAll(l.path(folder), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// description is cluster.json: what a test needs to know of a running cluster.
type description struct {
	Kubeconfig        string `json:"kubeconfig"`
	APIServer         string `json:"apiserver"`
	Etcd              string `json:"etcd"`
	EtcdPeer          string `json:"etcdPeer"`
	ControllerManager bool   `json:"controllerManager"`
}

// write puts cluster.json in place in one step, so that whoever waits for it never reads half.
func (d description) write(l layout) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	unfinished := l.path("cluster.json.new")
	if err := os.WriteFile(unfinished, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, l.path("cluster.json"))
}

func readDescription(l layout) (description, error) {
	var d description
	text, err := os.ReadFile(l.path("cluster.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return d, fmt.Errorf("no cluster in %s: start one with: portolan-cluster up --dir %s --detach", l, l)
	}
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(text, &d)
}
