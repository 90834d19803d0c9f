// Ending a cluster: the supervisor of a foreground cluster, and down.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// supervisorPatience is how long down waits for the supervisor, which stops by itself once etcd
// has ended.
const supervisorPatience = 20 * time.Second

// supervise blocks until somebody wants the cluster to end, then ends it. kube-apiserver may come
// and go meanwhile (stop-api, start-api); without etcd there is no cluster.
func supervise(l layout, etcd *exec.Cmd) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	input := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(input)
	}()
	ended := make(chan error, 1)
	go func() { ended <- etcd.Wait() }()
	select {
	case received := <-signals:
		progress("%s: stopping", received)
	case <-input:
		progress("end of standard input: stopping")
	case err := <-ended:
		if err != nil {
			err = fmt.Errorf("etcd ended: %w%s", err, tail(l, etcdName))
		}
		return errors.Join(err, stopAll(l))
	}
	return stopAll(l)
}

// stopAll stops every service, backwards, and removes the data.
func stopAll(l layout) error {
	var failures error
	for _, name := range slices.Backward(serviceNames) {
		failures = errors.Join(failures, stopService(l, name))
	}
	if failures != nil {
		return failures
	}
	return errors.Join(os.RemoveAll(l.etcdData()), remove(l.path("cluster.json")))
}

// down ends the cluster in the folder, if there is one, and waits for its supervisor.
func down(l layout) error {
	if err := stopAll(l); err != nil {
		return err
	}
	err := awaitLifelineEnd(l.lifeline(), time.Now().Add(supervisorPatience))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, remove(l.lifeline()))
}

// remove deletes a file that may be gone already.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
