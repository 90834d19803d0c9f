package main

import (
	"fmt"
	"net"
	"testing"
)

func TestPortsAreTakenFromTheLargerSideOfTheEphemeralRange(t *testing.T) {
	for _, test := range []struct{ ephemeral, expected portRange }{
		{portRange{32768, 60999}, portRange{lowestPort, 32767}},
		{portRange{10000, 20000}, portRange{20001, highestPort}},
		{portRange{1024, 5000}, portRange{lowestPort, highestPort}},
	} {
		if got := outside(test.ephemeral); got != test.expected {
			t.Errorf("outside %v: %v, expected %v", test.ephemeral, got, test.expected)
		}
	}
}

func TestFreePortsDifferAndCanBeListenedOn(t *testing.T) {
	ports, err := freePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range ports {
		listener, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", loopback, port))
		if err != nil {
			t.Fatalf("%d of %v: %v", port, ports, err) // also when it is there twice
		}
		defer listener.Close()
	}
}
