// SPDX-License-Identifier: Apache-2.0

package btfquery

import "github.com/cilium/ebpf/btf"

// typeDepth bounds the pointers and qualifiers followed in one type, because
// malformed BTF can have them in a circle. C code stays below 6.
const typeDepth = 16

// pointsTo reports whether t is a pointer to the struct of that name, whatever
// the qualifiers, type tags and typedefs on the way. A forward declaration
// counts: modules have them for structs of vmlinux.
func pointsTo(t btf.Type, name string) bool {
	p, ok := btf.UnderlyingType(t).(*btf.Pointer)
	return ok && isStruct(p.Target, name)
}

// pointsToPointerTo is pointsTo for "struct name **".
func pointsToPointerTo(t btf.Type, name string) bool {
	p, ok := btf.UnderlyingType(t).(*btf.Pointer)
	return ok && pointsTo(p.Target, name)
}

func isStruct(t btf.Type, name string) bool {
	switch s := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		return s.Name == name
	case *btf.Fwd:
		return s.Kind == btf.FwdStruct && s.Name == name
	}
	return false
}

// byValue reports whether t is a struct or union itself, not a pointer to it.
func byValue(t btf.Type) bool {
	switch btf.UnderlyingType(t).(type) {
	case *btf.Struct, *btf.Union:
		return true
	}
	return false
}

// typeText writes t as C does: "const struct sk_buff *". Type tags (__rcu,
// __user) and restrict are left out, a function type is written "void ()", a
// pointer to it "void (*)()".
func typeText(t btf.Type) string { return appendTypeText(t, typeDepth) }

func appendTypeText(t btf.Type, depth int) string {
	if depth == 0 {
		return "?"
	}
	text := func(t btf.Type) string { return appendTypeText(t, depth-1) }
	switch t := t.(type) {
	case nil, *btf.Void:
		return "void"
	case *btf.Pointer:
		return pointerText(t, depth-1)
	case *btf.Const:
		return qualified("const", t.Type, text(t.Type))
	case *btf.Volatile:
		return qualified("volatile", t.Type, text(t.Type))
	case *btf.Restrict:
		return text(t.Type)
	case *btf.TypeTag:
		return text(t.Type)
	case *btf.Struct:
		return tagged("struct", t.Name)
	case *btf.Union:
		return tagged("union", t.Name)
	case *btf.Enum:
		return tagged("enum", t.Name)
	case *btf.Fwd:
		return tagged(t.Kind.String(), t.Name)
	case *btf.Array:
		return text(t.Type) + " []"
	case *btf.FuncProto:
		return text(t.Return) + " ()"
	}
	return t.TypeName()
}

func pointerText(p *btf.Pointer, depth int) string {
	if f, ok := btf.QualifiedType(p.Target).(*btf.FuncProto); ok && depth > 0 {
		return appendTypeText(f.Return, depth-1) + " (*)()"
	}
	target := appendTypeText(p.Target, depth)
	if target[len(target)-1] == '*' {
		return target + "*"
	}
	return target + " *"
}

// qualified puts a qualifier where C has it: behind a pointer, else in front.
func qualified(word string, t btf.Type, text string) string {
	if _, ok := t.(*btf.Pointer); ok {
		return text + word
	}
	return word + " " + text
}

func tagged(kind, name string) string {
	if name == "" {
		return kind + " {}"
	}
	return kind + " " + name
}
