// Starting a cluster, and stopping and starting its API server.
//
// Whatever fails on the way up, nothing is left running.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

type upOptions struct {
	detach            bool
	controllerManager bool
}

func up(l layout, options upOptions) error {
	if running, err := anyRuns(l); err != nil {
		return err
	} else if running && !options.detach {
		return fmt.Errorf("a cluster runs in %s: stop it first with: portolan-cluster down --dir %s", l, l)
	} else if running {
		progress("a cluster already runs in %s", l)
		return announce(l)
	}
	began := time.Now()
	d, err := describe(l, options)
	if err != nil {
		return err
	}
	if err := errors.Join(l.prepare(), writeCredentials(l, d)); err != nil {
		return err
	}
	lifeline := ""
	if !options.detach {
		held, err := holdLifeline(l.lifeline())
		if err != nil {
			return err
		}
		defer held.Close()
		lifeline = l.lifeline()
	}
	etcd, err := startAll(l, d, lifeline)
	if err != nil {
		return errors.Join(err, stopAll(l))
	}
	progress("ready after %s", time.Since(began).Round(time.Millisecond))
	if err := announce(l); err != nil || options.detach {
		return err
	}
	return supervise(l, etcd)
}

// describe chooses the ports of a new cluster.
func describe(l layout, options upOptions) (description, error) {
	ports, err := freePorts(3)
	if err != nil {
		return description{}, err
	}
	return description{
		Kubeconfig:        l.kubeconfig(),
		APIServer:         fmt.Sprintf("https://%s:%d", loopback, ports[0]),
		Etcd:              fmt.Sprintf("http://%s:%d", loopback, ports[1]),
		EtcdPeer:          fmt.Sprintf("http://%s:%d", loopback, ports[2]),
		ControllerManager: options.controllerManager,
	}, nil
}

// startAll returns when the cluster is ready. cluster.json appears then and not before.
func startAll(l layout, d description, lifeline string) (etcd *exec.Cmd, err error) {
	progress("starting etcd and kube-apiserver at %s", d.APIServer)
	if etcd, err = etcdService(l, d).start(l, lifeline); err != nil {
		return nil, err
	}
	apiserver, err := apiserverService(l, d).start(l, lifeline)
	if err != nil {
		return nil, err
	}
	go func() { _ = apiserver.Wait() }() // reaped whenever stop-api ends it
	if err := waitReady(l, d); err != nil {
		return nil, err
	}
	if d.ControllerManager {
		ports, err := freePorts(1)
		if err != nil {
			return nil, err
		}
		manager, err := controllerManagerService(l, d, fmt.Sprint(ports[0])).start(l, lifeline)
		if err != nil {
			return nil, err
		}
		go func() { _ = manager.Wait() }()
	}
	return etcd, d.write(l)
}

// stopAPI ends kube-apiserver; etcd and the supervisor, if there is one, stay.
func stopAPI(l layout) error {
	if _, err := readDescription(l); err != nil {
		return err
	}
	return stopService(l, apiserverName)
}

// startAPI starts kube-apiserver on the port that it had, under the supervisor's lifeline if the
// cluster has a supervisor, and returns when it is ready.
func startAPI(l layout) error {
	d, err := readDescription(l)
	if err != nil {
		return err
	}
	if err := stillRuns(l, etcdName); err != nil {
		return err
	}
	running, err := findProcess(l, apiserverName)
	if err != nil {
		return err
	}
	if running != nil {
		running.close()
		return waitReady(l, d)
	}
	lifeline := ""
	if _, err := os.Stat(l.lifeline()); err == nil {
		lifeline = l.lifeline()
	}
	if _, err := apiserverService(l, d).start(l, lifeline); err != nil {
		return err
	}
	return waitReady(l, d)
}

func anyRuns(l layout) (bool, error) {
	for _, name := range serviceNames {
		running, err := findProcess(l, name)
		if err != nil {
			return false, err
		}
		if running != nil {
			running.close()
			return true, nil
		}
	}
	return false, nil
}

// announce prints what a script captures: the path of the kubeconfig.
func announce(l layout) error {
	d, err := readDescription(l)
	if err != nil {
		return err
	}
	_, err = fmt.Println(d.Kubeconfig)
	return err
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
