// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"fmt"
	"strings"
)

// lineApp is a protocol whose messages begin with a line of text.
type lineApp struct {
	name     string
	commands string // first words of requests, with blanks around; empty takes any line
	numbered bool   // replies begin with three digits
}

var (
	appHTTP = &lineApp{name: "HTTP", commands: " GET PUT COPY HEAD LOCK MOVE POLL POST BCOPY BMOVE MKCOL TRACE LABEL MERGE DELETE SEARCH UNLOCK REPORT UPDATE NOTIFY BDELETE CONNECT OPTIONS CHECKIN PROPFIND CHECKOUT CCM_POST SUBSCRIBE PROPPATCH BPROPFIND BPROPPATCH UNCHECKOUT MKACTIVITY MKWORKSPACE UNSUBSCRIBE RPC_CONNECT VERSION-CONTROL BASELINE-CONTROL PATCH "}
	appSMTP = &lineApp{name: "SMTP", numbered: true, commands: " EHLO HELO MAIL RCPT DATA RSET SEND SOML SAML VRFY EXPN HELP NOOP QUIT TURN STARTTLS AUTH BDAT "}
	appFTP  = &lineApp{name: "FTP", numbered: true, commands: " ACCT APPE CWD DELE EPRT EPSV HELP LIST MDTM MKD MODE MLSD NLST NOOP PASS PASV PORT PWD QUIT REIN REST RETR RMD RNFR RNTO SITE SIZE STAT STOR STRU SYST TYPE USER XMKD XPWD XRMD XCUP CDUP FEAT OPTS AUTH PBSZ PROT "}
	appRTSP = &lineApp{name: "RTSP", commands: " OPTIONS DESCRIBE ANNOUNCE GET_PARAMETER PAUSE PLAY RECORD REDIRECT SETUP SET_PARAMETER TEARDOWN "}
	appWHO  = &lineApp{name: "WHOIS"}
)

// lineProtocol finds the text protocol of a port.
func lineProtocol(src, dst uint16) (*lineApp, bool) {
	for _, port := range []uint16{src, dst} {
		switch port {
		case 80, 8080, 3128:
			return appHTTP, true
		case 25:
			return appSMTP, true
		case 21:
			return appFTP, true
		case 554, 8554:
			return appRTSP, true
		case 43:
			return appWHO, true
		}
	}
	return nil, false
}

// lines prints the first line of b if it begins a message, with -v all lines of
// the message's head.
func (p *Printer) lines(app *lineApp, b []byte) {
	p.f(": %s", app.name)
	if !app.begins(b) {
		if p.opt.Verbose > 0 {
			p.f(", length: %d", len(b))
		}
		return
	}
	if p.opt.Verbose == 0 {
		line, _ := cutLine(b)
		p.s(": ")
		p.b = appendVisible(p.b, line)
		return
	}
	p.f(", length: %d", len(b))
	for len(b) > 0 {
		line, rest := cutLine(b)
		if len(line) == 0 || !isText(line) {
			return
		}
		p.s("\n\t")
		p.b = appendVisible(p.b, line)
		b = rest
	}
}

// begins reports whether b starts with a request or a reply.
func (a *lineApp) begins(b []byte) bool {
	if a.commands == "" {
		line, _ := cutLine(b)
		return len(line) > 0 && isText(line)
	}
	word, _ := cutLine(b)
	if i := bytes.IndexAny(word, " \t"); i >= 0 {
		word = word[:i]
	}
	if len(word) == 0 || len(word) > 20 {
		return false
	}
	if strings.Contains(strings.ToUpper(a.commands), fmt.Sprintf(" %s ", bytes.ToUpper(word))) {
		return true
	}
	if a.numbered {
		return len(word) >= 3 && isDigits(word[:3]) && (len(word) == 3 || word[3] == '-')
	}
	return bytes.HasPrefix(word, []byte(a.name+"/"))
}

func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// isText reports whether a line has no control characters but tabs.
func isText(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
