// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// signals turns what the process is sent into what the command does.
type signals struct {
	again    chan struct{}  // a second signal to end came
	counters chan os.Signal // SIGUSR1
	flush    chan os.Signal // SIGUSR2
	end      chan os.Signal
	quit     chan struct{}
}

// watchSignals calls cancel on the first signal to end and says so on again
// from the second on.
func watchSignals(cancel func()) *signals {
	s := &signals{
		again:    make(chan struct{}, 1),
		counters: make(chan os.Signal, 1),
		flush:    make(chan os.Signal, 1),
		end:      make(chan os.Signal, 2),
		quit:     make(chan struct{}),
	}
	signal.Notify(s.end, endSignals()...)
	signal.Notify(s.counters, syscall.SIGUSR1)
	signal.Notify(s.flush, syscall.SIGUSR2)
	go func() {
		for first := true; ; first = false {
			select {
			case <-s.quit:
				return
			case <-s.end:
			}
			if first {
				cancel()
				continue
			}
			select {
			case s.again <- struct{}{}:
			default:
			}
		}
	}()
	return s
}

// endSignals are those that end a capture properly. SIGHUP is not among them
// under nohup, which ignores it.
func endSignals() []os.Signal {
	all := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

func (s *signals) stop() {
	signal.Stop(s.end)
	signal.Stop(s.counters)
	signal.Stop(s.flush)
	close(s.quit)
}
