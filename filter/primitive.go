// SPDX-License-Identifier: Apache-2.0

package filter

// head parses a primitive that begins with a keyword.
func (p *parser) head() (node, *qualifier, error) {
	t := p.peek()
	switch {
	case t.kind != tokKeyword:
		return nil, nil, p.unexpected()
	case laterWords[t.word]:
		return nil, nil, unsupported(p.lex.expr, t.span, t.text)
	case t.is("less") || t.is("greater"):
		return p.lengthTest()
	case otherLinks[t.word] != "":
		return nil, nil, p.refuse(t)
	}
	q := &qualifier{}
	if protoNames[t.word] {
		q.proto, q.protoAt = t.word, t.span
		p.next()
	}
	return p.qualified(q, t)
}

// refuse hands a primitive of another link type to the generator, which knows
// the link to name.
func (p *parser) refuse(t token) error {
	return p.found(&primitive{form: formOther, span: t.span, id: ident{text: t.text, span: t.span, kind: t.kind, word: t.word}})
}

// lengthTest parses "less N" and "greater N".
func (p *parser) lengthTest() (node, *qualifier, error) {
	t := p.next()
	if p.peek().kind != tokNumber {
		return nil, nil, p.unexpected()
	}
	n := p.next()
	prim := &primitive{form: formLess, span: t.to(n.span), id: ident{kind: tokNumber, num: n.num, span: n.span}}
	if t.is("greater") {
		prim.form = formGreater
	}
	return prim, nil, p.found(prim)
}

// qualified parses what follows the protocol; first is the token the
// primitive began with.
func (p *parser) qualified(q *qualifier, first token) (node, *qualifier, error) {
	t := p.peek()
	prim := &primitive{q: q, span: first.to(t.span)}
	switch {
	case t.is("broadcast"), t.is("multicast"):
		p.next()
		prim.form = formBroadcast
		if t.is("multicast") {
			prim.form = formMulticast
		}
		return prim, nil, p.found(prim)
	case t.is("["):
		return nil, nil, unsupported(p.lex.expr, first.to(t.span), first.text+"[...]")
	case t.is("type"), t.is("subtype"), t.is("dir"):
		return nil, nil, p.refuse(t)
	}
	has, err := p.qualifiers(q)
	switch {
	case err != nil:
		return nil, nil, err
	case has:
		n, err := p.id(q)
		return n, q, err
	case q.proto == "", q.proto == "link": // "ether" alone says nothing
		return nil, nil, p.unexpected()
	}
	prim.form, prim.span = formProto, first.span
	return prim, nil, p.found(prim)
}

// qualifiers parses direction and type; has is false if there is neither.
func (p *parser) qualifiers(q *qualifier) (has bool, err error) {
	if t := p.peek(); t.is("src") || t.is("dst") || wirelessDirs[t.word] {
		if err := p.direction(q); err != nil {
			return false, err
		}
		has = true
	}
	switch t := p.peek(); t.word {
	case "proto", "protochain", "gateway":
		if has {
			return false, p.unexpected() // these have no direction
		}
		fallthrough
	case "host", "net", "port", "portrange":
		q.typ, q.typAt = t.word, t.span
		p.next()
		has = true
	}
	return has, nil
}

// direction parses "src", "dst", both with "and" or "or", or one of 802.11.
func (p *parser) direction(q *qualifier) error {
	t := p.next()
	q.dir, q.dirAt = t.word, t.span
	if wirelessDirs[t.word] {
		return nil
	}
	switch {
	case p.accept("or"):
		q.dir = dirOr
	case p.accept("and"):
		q.dir = dirAnd
	default:
		return nil
	}
	other := p.peek()
	if !(t.is("src") && other.is("dst") || t.is("dst") && other.is("src")) {
		return p.unexpected()
	}
	q.dirAt.end = other.end
	p.next()
	return nil
}

// ident parses one id with what may follow it: a prefix length or a mask.
func (p *parser) ident() (ident, error) {
	open := 0
	for p.isNumber() && p.accept("(") {
		open++
	}
	t := p.peek()
	id := ident{kind: t.kind, text: t.text, num: t.num, span: t.span}
	switch t.kind {
	case tokName, tokNumber, tokMAC, tokMAC8:
		p.next()
	case tokDotted, tokIPv6:
		p.next()
		if err := p.prefix(&id); err != nil {
			return ident{}, err
		}
	default:
		return ident{}, p.unexpected()
	}
	for range open {
		p.next() // isNumber has seen the parentheses
	}
	return id, nil
}

// prefix parses "/N" or "mask a.b.c.d" after an address.
func (p *parser) prefix(id *ident) error {
	switch {
	case p.accept("/"):
		if p.peek().kind != tokNumber {
			return p.unexpected()
		}
		t := p.next()
		id.bits, id.hasBits, id.end = t.num, true, t.end
	case id.kind == tokDotted && p.accept("mask"):
		if p.peek().kind != tokDotted {
			return p.unexpected()
		}
		t := p.next()
		id.mask, id.end = t.text, t.end
	}
	return nil
}
