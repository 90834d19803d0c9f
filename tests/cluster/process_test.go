package main

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestOnlyThisClustersServiceIsOurs(t *testing.T) {
	const dir = layout("/tmp/one")
	for name, test := range map[string]struct {
		args []string
		ours bool
	}{
		"by the first argument":       {[]string{"/bin/portolan-cluster", "etcd", "--data-dir=/tmp/one/etcd"}, true},
		"by the program's name":       {[]string{"/bin/etcd", "--data-dir=/tmp/one/etcd"}, true},
		"another service":             {[]string{"/bin/portolan-cluster", "kube-apiserver", "--cert=/tmp/one/pki"}, false},
		"another cluster":             {[]string{"/bin/portolan-cluster", "etcd", "--data-dir=/tmp/two/etcd"}, false},
		"a folder with a longer name": {[]string{"/bin/portolan-cluster", "etcd", "--data-dir=/tmp/one2/etcd"}, false},
		"a process that has ended":    {[]string{""}, false},
	} {
		cmdline := strings.Join(test.args, "\x00") + "\x00"
		if got := isOurs(cmdline, dir, etcdName); got != test.ours {
			t.Errorf("%s: ours should be %v", name, test.ours)
		}
	}
}

func TestAForeignProcessWithOurPidIsNotStopped(t *testing.T) {
	dir := layout(t.TempDir())
	if err := dir.prepare(); err != nil {
		t.Fatal(err)
	}
	foreign := exec.Command("sleep", "60")
	if err := foreign.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- foreign.Wait() }()
	pid := strconv.Itoa(foreign.Process.Pid)
	if err := os.WriteFile(dir.pidFile(etcdName), []byte(pid), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := stopService(dir, etcdName); err != nil {
		t.Fatal(err)
	}
	// It ends by the signal that comes now; one that came before would show as another.
	_ = foreign.Process.Kill()
	if err := <-ended; err == nil || err.Error() != "signal: killed" {
		t.Errorf("the foreign process ended by: %v", err)
	}
}

func TestAProcessThatHasJustBeenStartedIsFound(t *testing.T) {
	dir := layout(t.TempDir())
	if err := dir.prepare(); err != nil {
		t.Fatal(err)
	}
	etcd := dir.path("bin/" + etcdName)
	if err := os.Mkdir(dir.path("bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/bin/sleep", etcd); err != nil {
		t.Fatal(err)
	}
	// Between its start and its command line a process must wait for a processor, so all are kept busy.
	for range 2 * runtime.NumCPU() {
		busy := exec.Command("sh", "-c", "while :; do :; done")
		if err := busy.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = busy.Process.Kill(), busy.Wait() })
	}
	for range 100 {
		started := exec.Command(etcd, "60")
		if err := started.Start(); err != nil {
			t.Fatal(err)
		}
		pid := strconv.Itoa(started.Process.Pid)
		if err := os.WriteFile(dir.pidFile(etcdName), []byte(pid), 0o600); err != nil {
			t.Fatal(err)
		}
		running, err := findProcess(dir, etcdName)
		_ = started.Process.Kill()
		_ = started.Wait()
		if running == nil || err != nil {
			t.Fatalf("a running process is not found: %v", err)
		}
		running.close()
	}
}

func TestALifelineEndsWithItsHolder(t *testing.T) {
	path := t.TempDir() + "/lifeline"
	held, err := holdLifeline(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := awaitLifelineEnd(path, time.Now().Add(20*time.Millisecond)); !os.IsTimeout(err) {
		t.Fatalf("held, but: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- awaitLifelineEnd(path, time.Now().Add(10*time.Second)) }()
	held.Close()
	if err := <-ended; err != nil {
		t.Errorf("closed, but: %v", err)
	}
}
