// Processes: starting a component, recognising one that we started, and stopping it.
//
// A pid file can be older than the process that has its number now. So a process is signalled only
// through a pidfd, and only after its command line showed that it is this cluster's.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// From SIGTERM to SIGKILL. All end within a second, but for a kube-apiserver that somebody
	// watches: that one would wait a minute for the watch to end.
	termPatience = 3 * time.Second
	killPatience = 5 * time.Second // from SIGKILL to giving up

	// A process that is being started gets its command line within execAttempts * execInterval.
	execAttempts = 1000
	execInterval = 5 * time.Millisecond
)

// service is a component of a cluster with its arguments.
type service struct {
	name string
	args []string
}

// start runs the service in a session of its own (a Ctrl-C in the terminal is the supervisor's to
// handle) and records its pid. With a lifeline the service ends when that does.
func (s service) start(l layout, lifeline string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(l.logFile(s.name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(self, append([]string{s.name}, s.args...)...)
	command.Dir = string(l)
	command.Env = append(os.Environ(), lifelineVariable+"="+lifeline)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	keepFilesFromChildren()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	pid := strconv.Itoa(command.Process.Pid)
	return command, os.WriteFile(l.pidFile(s.name), []byte(pid+"\n"), 0o600)
}

// keepFilesFromChildren marks what our caller left open as not to be inherited. A shell's end of the
// supervisor's standard input, held by a kube-apiserver that start-api started, would keep that
// input from ever ending. A kernel before 5.11 cannot; nothing else depends on it.
func keepFilesFromChildren() {
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
}

// process is a running component of this cluster, held by its pidfd.
type process struct{ fd int }

// findProcess opens the service's process; nil when it does not run.
func findProcess(l layout, service string) (*process, error) {
	text, err := os.ReadFile(l.pidFile(service))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.pidFile(service), err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pidfd_open %d: %w", pid, err)
	}
	found := &process{fd}
	cmdline, err := found.commandLine(pid)
	if err != nil || !isOurs(cmdline, l, service) {
		found.close()
		return nil, nil
	}
	return found, nil
}

// commandLine reads /proc, where it is empty in two cases that must be told apart: the process has
// ended, reaped or not, or it was started so lately that the kernel has not laid out its new memory
// yet (seen in 117 of 5,000 starts on a busy machine, for a few milliseconds).
func (p *process) commandLine(pid int) (string, error) {
	for range execAttempts {
		cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || len(cmdline) > 0 || p.ended(execInterval) {
			return string(cmdline), err
		}
	}
	return "", nil // a thread of the kernel, which never has one
}

// isOurs tells whether a command line (as in /proc, arguments end with NUL) is that of this
// cluster's service.
func isOurs(cmdline string, l layout, service string) bool {
	args := strings.Split(strings.TrimRight(cmdline, "\x00"), "\x00")
	named := filepath.Base(args[0]) == service || len(args) > 1 && args[1] == service
	inside := func(arg string) bool { return strings.Contains(arg, string(l)+string(filepath.Separator)) }
	return named && slices.ContainsFunc(args, inside)
}

func (p *process) close() { _ = unix.Close(p.fd) }

// ended waits at most for the given time; the pidfd becomes readable when the process ends.
func (p *process) ended(patience time.Duration) bool {
	deadline := time.Now().Add(patience)
	for {
		left := max(0, time.Until(deadline).Milliseconds())
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, int(left))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return ready > 0
	}
}

// stopService ends the service if it runs, gently first, and removes its pid file.
func stopService(l layout, service string) error {
	running, err := findProcess(l, service)
	if err != nil {
		return err
	}
	if running != nil {
		defer running.close()
		if err := running.stop(); err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
	}
	return remove(l.pidFile(service))
}

func (p *process) stop() error {
	for _, step := range []struct {
		signal   unix.Signal
		patience time.Duration
	}{{unix.SIGTERM, termPatience}, {unix.SIGKILL, killPatience}} {
		err := unix.PidfdSendSignal(p.fd, step.signal, nil, 0)
		if errors.Is(err, unix.ESRCH) {
			return nil
		}
		if err != nil {
			return err
		}
		if p.ended(step.patience) {
			return nil
		}
	}
	return fmt.Errorf("still runs %s after SIGKILL", killPatience)
}
