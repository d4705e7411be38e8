// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// bootModules connect the guest with the host: without them nothing is heard of it.
var bootModules = []string{"virtio_pci", "virtio_console"}

// usualModules are in every image for the kernel (or modprobe) to load when they
// are wanted, as on an ordinary host. Loading them all would take longer than the
// rest of the boot. A question mark: not on every kernel.
var usualModules = []string{
	"virtio_net", "veth", "dummy", "ifb", "tun", "macvlan", "ipvlan", "vrf", "bonding", "af_packet",
	"bridge", "br_netfilter", "8021q", "vxlan", "geneve", "ipip", "ip_gre", "ip6_tunnel", "sit", "wireguard",
	"nf_tables", "nf_conntrack", "nft_counter?", "nft_ct", "nft_nat", "nft_masq", "nft_redir", "nft_chain_nat",
	"nft_limit", "nft_log", "nft_reject", "nft_reject_inet", "nft_fib_inet", "nft_tproxy", "nf_log_syslog?",
	"sch_netem", "sch_tbf", "sch_fq", "sch_fq_codel", "sch_htb", "sch_prio", "sch_ingress",
	"cls_u32", "cls_bpf", "cls_flower", "cls_matchall", "act_mirred", "act_gact", "act_pedit",
	"tcp_bbr", "udp_diag", "tcp_diag",
}

// moduleParams keep modules from making devices that nobody asked for.
var moduleParams = map[string]string{"dummy": "numdummies=0", "ifb": "numifbs=0", "bonding": "max_bonds=0"}

// moduleSet answers questions to a kernel's module directory.
type moduleSet struct {
	dir     string
	deps    map[string][]string // file to the files it needs
	files   map[string]string   // name to file
	builtin map[string]bool     // names
}

func readModules(dir string) (*moduleSet, error) {
	deps, err := os.Open(filepath.Join(dir, "modules.dep"))
	if err != nil {
		return nil, err
	}
	defer deps.Close()
	builtin, err := os.Open(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	defer builtin.Close()
	m, err := parseModules(deps, builtin)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	m.dir = dir
	return m, nil
}

func parseModules(deps, builtin io.Reader) (*moduleSet, error) {
	m := &moduleSet{deps: map[string][]string{}, files: map[string]string{}, builtin: map[string]bool{}}
	s := bufio.NewScanner(deps)
	for s.Scan() {
		file, needs, ok := strings.Cut(s.Text(), ":")
		if !ok {
			return nil, fmt.Errorf("modules.dep: unexpected line %q", s.Text())
		}
		m.files[moduleName(file)] = file
		m.deps[file] = strings.Fields(needs)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	s = bufio.NewScanner(builtin)
	for s.Scan() {
		m.builtin[moduleName(s.Text())] = true
	}
	return m, s.Err()
}

// moduleName turns a path or the way people write it into the kernel's name.
func moduleName(s string) string {
	s, _, _ = strings.Cut(filepath.Base(s), ".ko")
	return strings.ReplaceAll(s, "-", "_")
}

// order returns the files to load for these names, each behind what it needs.
func (m *moduleSet) order(names []string) ([]string, error) {
	var files []string
	seen := map[string]bool{}
	add := func(file string) {
		if !seen[file] {
			seen[file] = true
			files = append(files, file)
		}
	}
	for _, name := range names {
		name, optional := strings.CutSuffix(name, "?")
		file, ok := m.files[moduleName(name)]
		if !ok {
			if optional || m.builtin[moduleName(name)] {
				continue
			}
			return nil, fmt.Errorf("this kernel has no module %s", name)
		}
		// depmod lists all needs, the deepest last.
		needs := m.deps[file]
		for i := len(needs) - 1; i >= 0; i-- {
			add(needs[i])
		}
		add(file)
	}
	return files, nil
}

// index writes what modprobe reads (modules.dep, modules.alias and options) for
// these files alone; the whole would take it longer than loading.
func (m *moduleSet) index(files []string) (dep, alias, options []byte, err error) {
	names := map[string]bool{}
	for _, file := range files {
		dep = fmt.Appendf(dep, "%s: %s\n", file, strings.Join(m.deps[file], " "))
		name := moduleName(file)
		names[name] = true
		if params := moduleParams[name]; params != "" {
			options = fmt.Appendf(options, "options %s %s\n", name, params)
		}
	}
	all, err := os.ReadFile(filepath.Join(m.dir, "modules.alias"))
	if err != nil {
		return nil, nil, nil, err
	}
	for line := range bytes.Lines(all) {
		// alias PATTERN MODULE
		if words := strings.Fields(string(line)); len(words) == 3 && names[words[2]] {
			alias = append(alias, line...)
		}
	}
	return dep, alias, options, nil
}

// signatureMark ends a signed module; a 12-byte head, whose last word is the
// signature's length, is before it, and before that the signature.
const signatureMark = "~Module signature appended~\n"

// unsigned returns a module without its signature: an emulated processor needs
// 60 ms to check one, which is half the boot.
func unsigned(module []byte) []byte {
	body, ok := bytes.CutSuffix(module, []byte(signatureMark))
	if !ok || len(body) < 12 {
		return module
	}
	end := len(body) - 12 - int(binary.BigEndian.Uint32(body[len(body)-4:]))
	if end < 0 {
		return module
	}
	return body[:end]
}

// needsSignatures tells whether these words on the kernel's command line make it
// refuse modules without one.
func needsSignatures(kernelArgs string) bool {
	return strings.Contains(kernelArgs, "lockdown=") || strings.Contains(kernelArgs, "module.sig_enforce")
}
