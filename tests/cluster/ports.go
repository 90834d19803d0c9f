// Free ports on 127.0.0.1.
//
// They are taken from outside the range from which the kernel serves "any port": inside it, a
// client that retries while kube-apiserver is stopped, or any other test, could be given the very
// port that kube-apiserver must get back.
package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
)

const (
	lowestPort    = 10000 // below are the well-known services of a developer's machine
	highestPort   = 65535
	portAttempts  = 1000
	ephemeralFile = "/proc/sys/net/ipv4/ip_local_port_range"
)

// portRange holds both of its ends.
type portRange struct{ first, last int }

// outside is the larger part of the usable ports on either side of the ephemeral range.
func outside(ephemeral portRange) portRange {
	below := portRange{lowestPort, ephemeral.first - 1}
	above := portRange{max(lowestPort, ephemeral.last+1), highestPort}
	if above.last-above.first > below.last-below.first {
		return above
	}
	return below
}

func ephemeralPorts() portRange {
	ephemeral := portRange{32768, 60999} // the kernel's default
	if text, err := os.ReadFile(ephemeralFile); err == nil {
		_, _ = fmt.Sscan(string(text), &ephemeral.first, &ephemeral.last)
	}
	return ephemeral
}

// freePorts finds count different ports that nobody listens on at this moment.
func freePorts(count int) ([]int, error) {
	candidates := outside(ephemeralPorts())
	size := candidates.last - candidates.first + 1
	if size < count {
		return nil, errors.New("no ports outside " + ephemeralFile)
	}
	var ports []int
	for range portAttempts {
		port := candidates.first + rand.IntN(size)
		listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer listener.Close() // held until all are found, so that they differ
		if ports = append(ports, port); len(ports) == count {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("no free port found between %d and %d", candidates.first, candidates.last)
}
