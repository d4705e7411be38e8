// SPDX-License-Identifier: Apache-2.0

package filter

// node is an expression as it was written: *junction, *negation or *primitive.
type node interface{}

// junction joins two expressions. "and" and "or" bind equally, to the left.
type junction struct {
	or   bool
	l, r node
}

type negation struct{ x node }

// form is the shape of a primitive.
type form uint8

const (
	formID        form = iota // qualifiers and an id
	formProto                 // a protocol name alone
	formBroadcast             // protocol (or none) and "broadcast"
	formMulticast
	formLess
	formGreater
	formOther // of a link type that is not captured here; id.word says which
)

// primitive is one test of the language. It is handed to the generator as
// soon as it is complete, which is the order in which libpcap finds errors and
// in which a primitive may change the meaning of those to its right.
type primitive struct {
	form form
	span
	q    *qualifier // nil: the id inherits from something that has no qualifiers
	id   ident
	pred *pred // its meaning, filled in by the generator
}

// qualifier is what stands before an id; empty strings are defaults.
type qualifier struct {
	proto, dir, typ string
	protoAt, dirAt  span
	typAt           span
}

// The values of qualifier.dir besides "", "src", "dst" and wirelessDirs.
const (
	dirOr  = "src or dst"
	dirAnd = "src and dst"
)

// typeName is the type qualifier by name, the default included.
func (q *qualifier) typeName() string {
	if q.typ == "" {
		return "host"
	}
	return q.typ
}

// ident is an id: what the qualifiers are about.
type ident struct {
	kind kind // tokName, tokNumber, tokDotted, tokIPv6, tokMAC or tokMAC8
	span
	word    string // of formOther
	text    string
	num     uint32 // of tokNumber
	mask    string // dotted, after "mask"
	bits    uint32 // after "/"
	hasBits bool
}

// source returns the id as libpcap's messages write it.
func (id *ident) source(expr string) string {
	if id.mask != "" {
		return id.text + " mask " + id.mask
	}
	return expr[id.pos:id.end]
}
