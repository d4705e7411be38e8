// SPDX-License-Identifier: Apache-2.0

package filter

import "os"

// SystemNames returns the names of the system's files: hosts, networks,
// ethers, services and protocols in /etc. A file that cannot be read counts
// as empty. This is the one function of the package that looks at the
// machine; it does not ask DNS.
func SystemNames() *Tables {
	read := func(name string) []byte {
		b, err := os.ReadFile("/etc/" + name)
		if err != nil {
			return nil
		}
		return b
	}
	return NewTables(Files{
		Hosts: read("hosts"), Networks: read("networks"), Ethers: read("ethers"),
		Services: read("services"), Protocols: read("protocols"),
	})
}
