// Package clients calls the provider wire as controllers written in Go do.
package clients

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

const (
	region = "cn-hangzhou"
	zone   = "cn-hangzhou-k"
)

var accounts atomic.Int64

// endpoint is the server under judgement.
func endpoint(t *testing.T) string {
	t.Helper()
	at := os.Getenv("CLOUDNET_ENDPOINT")
	if at == "" {
		t.Fatal("CLOUDNET_ENDPOINT names no server; run tests/clients/run go")
	}
	return at
}

// key selects an account of the test's own in the world that everybody sees.
func key() string {
	return fmt.Sprintf("w-default-a-%d", 3_000_000_000_000_000+accounts.Add(1))
}

// until looks again, as a controller polls, until the look gives what is wanted.
func until[T comparable](t *testing.T, look func() T, wanted T) {
	t.Helper()
	var seen T
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if seen = look(); seen == wanted {
			return
		}
	}
	t.Fatalf("still %v; wanted %v", seen, wanted)
}

// must ends the test at an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
