// The etcd component: an embedded etcd server with the few flags that a test cluster needs.
//
// Upstream's own etcd command is not used: it brings its proxy, gateway and flag files along.
package main

import (
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
)

// slowRequest is from when etcd logs a request as slow. Its default (100 ms) logs nearly every
// request of a busy machine.
const slowRequest = 2 * time.Second

type etcdOptions struct {
	dataDir string
	client  string
	peer    string
	noFsync bool
}

func newEtcd() *cobra.Command {
	var options etcdOptions
	command := &cobra.Command{
		Use:          "etcd",
		Short:        "a single-member etcd",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE:         func(*cobra.Command, []string) error { return runEtcd(options) },
	}
	flags := command.Flags()
	flags.StringVar(&options.dataDir, "data-dir", "", "folder of the data")
	flags.StringVar(&options.client, "listen-client-urls", "http://127.0.0.1:2379", "URL for clients")
	flags.StringVar(&options.peer, "listen-peer-urls", "http://127.0.0.1:2380", "URL for peers")
	flags.BoolVar(&options.noFsync, "unsafe-no-fsync", false, "do not wait for the disk (loses data on a crash)")
	if err := command.MarkFlagRequired("data-dir"); err != nil {
		panic(err) // the flag is defined six lines above
	}
	return command
}

func runEtcd(options etcdOptions) error {
	config, err := etcdConfig(options)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer server.Close()
	select {
	case <-stop:
		return nil
	case err := <-server.Err():
		return err
	}
}

func etcdConfig(options etcdOptions) (*embed.Config, error) {
	client, err := url.Parse(options.client)
	if err != nil {
		return nil, fmt.Errorf("--listen-client-urls: %w", err)
	}
	peer, err := url.Parse(options.peer)
	if err != nil {
		return nil, fmt.Errorf("--listen-peer-urls: %w", err)
	}
	config := embed.NewConfig()
	config.Dir = options.dataDir
	config.UnsafeNoFsync = options.noFsync
	config.LogLevel = "warn"
	config.ListenClientUrls = []url.URL{*client}
	config.AdvertiseClientUrls = []url.URL{*client}
	config.ListenPeerUrls = []url.URL{*peer}
	config.AdvertisePeerUrls = []url.URL{*peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.AutoCompactionMode = "periodic"
	config.AutoCompactionRetention = "1h"
	config.WarningUnaryRequestDuration = slowRequest
	return config, nil
}
