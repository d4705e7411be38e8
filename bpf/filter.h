/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The place where the compiled pcap-filter expression goes in. The bodies of
 * filter_l2 and filter_l3 are replaced as a whole before the programs are
 * loaded (Go package filter, splice.go). They are global functions because the
 * verifier checks those once and by type: w is plain memory there, while a
 * static function would see the caller's stack and refuse byte-aligned loads.
 */
#ifndef HOPDUMP_FILTER_H
#define HOPDUMP_FILTER_H

#include "kernel.h"

#define FILTER_WINDOW 192

struct filter_window {
	__u8 data[FILTER_WINDOW]; /* headers from the base on; zero past n */
	__u32 n;       /* valid bytes in data */
	__u32 avail;   /* bytes from the base on in linear memory */
	__u32 len;     /* length on the wire, from the base on */
	__u32 vlan;    /* bit 16: a tag is in the metadata; low 16 bits: its TCI */
	__u32 vproto;  /* its TPID, host order */
	__u32 proto;   /* skb->protocol, host order; 0 if unknown */
	__u32 ifindex;
	__u32 pkttype; /* 0 to us, 4 outgoing */
	__u64 addr;    /* kernel address of data[0] */
};

enum {
	FILTER_REJECT = 0,
	FILTER_MATCH = 1,
	FILTER_UNDECIDED = 2, /* wanted bytes that are there, but not in the window */
};

__attribute__((noinline, weak)) __u32 filter_l2(const struct filter_window *w)
{
	return w ? FILTER_MATCH : FILTER_REJECT;
}

__attribute__((noinline, weak)) __u32 filter_l3(const struct filter_window *w)
{
	return w ? FILTER_MATCH : FILTER_REJECT;
}

#endif
