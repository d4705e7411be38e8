// SPDX-License-Identifier: Apache-2.0

package filter

// maxDepth bounds the nesting of parentheses and negations, and with it the
// stack and the look-ahead that compiling takes; maxExpr bounds the rest.
const (
	maxDepth = 1000
	maxExpr  = 1 << 20
)

// parser is a recursive descent over the grammar of libpcap. The qualifier
// handed down to ids is what libpcap's parser keeps on its stack: that of the
// primitive on the left, nil where an id has none to inherit.
type parser struct {
	lex   lexer
	ahead []token // read, not consumed
	depth int
	found func(*primitive) error
}

// parse returns the tree of expr, nil for an empty expression. Each primitive
// is handed to found when it is complete; its error ends the parse.
func parse(expr string, found func(*primitive) error) (node, error) {
	if len(expr) > maxExpr {
		return nil, errorAt(expr, span{maxExpr, maxExpr}, "expression is longer than %d bytes", maxExpr)
	}
	p := &parser{lex: lexer{expr: expr}, found: found}
	if p.peek().kind == tokEOF {
		return nil, nil
	}
	n, _, err := p.expression(nil)
	if err != nil {
		return nil, err
	}
	if p.peek().kind != tokEOF {
		return nil, p.unexpected()
	}
	return n, nil
}

// at returns the token i places ahead.
func (p *parser) at(i int) token {
	for len(p.ahead) <= i {
		p.ahead = append(p.ahead, p.lex.next())
	}
	return p.ahead[i]
}

func (p *parser) peek() token { return p.at(0) }

func (p *parser) next() token {
	t := p.at(0)
	p.ahead = p.ahead[1:]
	return t
}

// accept consumes the next token if it is word.
func (p *parser) accept(word string) bool {
	if !p.peek().is(word) {
		return false
	}
	p.next()
	return true
}

// unexpected is the error about the next token.
func (p *parser) unexpected() error {
	t := p.peek()
	if t.kind == tokError {
		return t.err
	}
	return syntaxError(p.lex.expr, t.span)
}

// enter counts one level of nesting.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return errorAt(p.lex.expr, p.peek().span, "expression is nested too deeply")
	}
	return nil
}

// expression parses terms with "and" and "or" between them. It returns the
// qualifier that an id after it inherits: that of its last operand.
func (p *parser) expression(q *qualifier) (node, *qualifier, error) {
	n, q, err := p.term(q)
	for err == nil {
		or := p.peek().is("or")
		if !or && !p.peek().is("and") {
			return n, q, nil
		}
		p.next()
		var r node
		if p.startsID() {
			r, err = p.id(q)
		} else {
			r, q, err = p.term(q)
		}
		n = &junction{or: or, l: n, r: r}
	}
	return nil, nil, err
}

// term parses a primitive, a negation or a parenthesised expression.
func (p *parser) term(q *qualifier) (node, *qualifier, error) {
	if err := p.enter(); err != nil {
		return nil, nil, err
	}
	defer func() { p.depth-- }()
	switch {
	case p.accept("!"):
		n, q, err := p.term(q)
		return &negation{n}, q, err
	case p.isArithmetic():
		return nil, nil, unsupported(p.lex.expr, p.peek().span, "arithmetic")
	case p.accept("("):
		n, _, err := p.expression(q)
		if err == nil && !p.accept(")") {
			err = p.unexpected()
		}
		return n, q, err // what stood before the parenthesis is inherited, not what is in it
	}
	return p.head()
}

// startsID reports whether an id, or a list of ids, comes next where an
// expression may stand too: the first token inside parentheses and negations
// decides, and a number is an id unless something is computed with it.
func (p *parser) startsID() bool {
	i, open := 0, 0
	for ; i <= maxDepth && (p.at(i).is("!") || p.at(i).is("(")); i++ {
		if p.at(i).is("(") {
			open++
		}
	}
	switch p.at(i).kind {
	case tokName, tokDotted, tokIPv6, tokMAC, tokMAC8:
		return true
	case tokNumber:
		for i++; open > 0 && p.at(i).is(")"); i++ {
			open--
		}
		return !isArithmeticOp(p.at(i))
	}
	return false
}

// isArithmetic reports whether a computed relation comes next.
func (p *parser) isArithmetic() bool {
	i := 0
	for i <= maxDepth && p.at(i).is("(") {
		i++
	}
	t := p.at(i)
	return t.is("-") || t.kind == tokNumber && !p.startsID()
}

// isArithmeticOp reports whether t computes or compares.
func isArithmeticOp(t token) bool {
	if t.kind != tokOp {
		return false
	}
	switch t.word {
	case "!", "(", ")", "[", "]", ":", "and", "or":
		return false
	}
	return true
}

// id parses an id or a parenthesised list of ids, qualified by q.
func (p *parser) id(q *qualifier) (node, error) {
	if p.peek().is("(") && !p.isNumber() {
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		p.next()
		return p.idList(q)
	}
	return p.plainID(q)
}

// isNumber reports whether a number, perhaps in parentheses, comes next.
func (p *parser) isNumber() bool {
	open := 0
	for open <= maxDepth && p.at(open).is("(") {
		open++
	}
	if p.at(open).kind != tokNumber {
		return false
	}
	for i := range open {
		if !p.at(open + 1 + i).is(")") {
			return false
		}
	}
	return true
}

// idList parses what follows the opening parenthesis of a list of ids. The
// first of them must not be a list itself; libpcap's grammar has it so.
func (p *parser) idList(q *qualifier) (node, error) {
	n, err := p.plainID(q)
	for err == nil && !p.accept(")") {
		or := p.peek().is("or")
		if !or && !p.peek().is("and") {
			return nil, p.unexpected()
		}
		p.next()
		var r node
		r, err = p.id(q)
		n = &junction{or: or, l: n, r: r}
	}
	return n, err
}

// plainID parses an id that is not a list, and makes a primitive of it.
func (p *parser) plainID(q *qualifier) (node, error) {
	if p.accept("!") {
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		n, err := p.id(q)
		return &negation{n}, err
	}
	id, err := p.ident()
	if err != nil {
		return nil, err
	}
	prim := &primitive{form: formID, q: q, id: id, span: id.span}
	return prim, p.found(prim)
}
