// The lifeline: a named pipe that the supervisor holds open for writing as long as it lives.
//
// Every component reads from it and exits when it ends. The kernel closes it however the
// supervisor dies, and it also holds a kube-apiserver that start-api started: that one is not the
// supervisor's child, so a parent-death signal would not reach it.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// lifelineVariable names the environment variable that tells a component its lifeline.
const lifelineVariable = "PORTOLAN_CLUSTER_LIFELINE"

// holdLifeline makes the pipe and keeps it open until the result is closed.
func holdLifeline(path string) (*os.File, error) {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// Read-write: opening only for writing would wait for a reader.
	return os.OpenFile(path, os.O_RDWR, 0)
}

// awaitLifelineEnd waits until nobody holds the pipe, at most until the deadline (zero: for ever).
func awaitLifelineEnd(path string, deadline time.Time) error {
	// Non-blocking: opening only for reading would wait for a writer, who may be gone already.
	pipe, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer pipe.Close()
	if err := pipe.SetReadDeadline(deadline); err != nil {
		return err
	}
	var nothing [1]byte
	if _, err := pipe.Read(nothing[:]); os.IsTimeout(err) {
		return err
	}
	return nil
}

func exitWithLifeline(path string) {
	if err := awaitLifelineEnd(path, time.Time{}); err != nil {
		fmt.Fprintln(os.Stderr, "lifeline:", err)
	}
	fmt.Fprintln(os.Stderr, "the supervisor is gone")
	os.Exit(1)
}
