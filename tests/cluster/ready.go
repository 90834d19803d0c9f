// Readiness: waiting until the API server answers as a test needs it, or telling why it will not.
package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	readyPatience = 60 * time.Second // 3 s on an idle machine
	readyInterval = 50 * time.Millisecond
	requestLimit  = 2 * time.Second
	logTail       = 2000 // bytes of a log that an error shows
)

// readyPaths must all answer 200: namespace default is made shortly after readiness.
var readyPaths = []string{"/readyz", "/api/v1/namespaces/default"}

// waitReady polls as the administrator. It fails at once when a service that should run has ended.
func waitReady(l layout, d description) error {
	config, err := clientcmd.BuildConfigFromFlags("", l.kubeconfig())
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), readyPatience)
	defer cancel()
	for {
		unready := firstUnready(ctx, client, d.APIServer)
		if unready == "" {
			return nil
		}
		for _, name := range []string{etcdName, apiserverName} {
			if err := stillRuns(l, name); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready after %s: %s%s", readyPatience, unready, tail(l, apiserverName))
		case <-time.After(readyInterval):
		}
	}
}

// firstUnready says which path does not answer, and how; empty when all do.
func firstUnready(ctx context.Context, client *http.Client, server string) string {
	for _, path := range readyPaths {
		if err := get(ctx, client, server+path); err != nil {
			return err.Error()
		}
	}
	return ""
}

func get(ctx context.Context, client *http.Client, address string) error {
	limited, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, response.Status)
	}
	return nil
}

func stillRuns(l layout, name string) error {
	running, err := findProcess(l, name)
	if err != nil {
		return err
	}
	if running == nil {
		return fmt.Errorf("%s ended%s", name, tail(l, name))
	}
	running.close()
	return nil
}

// tail is the end of a service's log, as part of an error message.
func tail(l layout, name string) string {
	text, err := os.ReadFile(l.logFile(name))
	if err != nil || len(text) == 0 {
		return ""
	}
	text = bytes.TrimSpace(text[max(0, len(text)-logTail):])
	return fmt.Sprintf("; the end of %s:\n%s", l.logFile(name), text)
}
