/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What kernel and user side share: the slot that collects a journey's hops, and
 * the records in the ring. bpf2go makes the Go twins; bpf/abi_test.go holds the
 * sizes of both against each other.
 */
#ifndef HOPDUMP_HOP_H
#define HOPDUMP_HOP_H

#include "kernel.h"

#define WAYS 8      /* keys in a line: one cache line of 64 bytes */
#define MAX_HOPS 49 /* hops kept of one journey; more are counted in trunc */
#define MAX_DEVS 4  /* devices kept of one journey */

/* Roles of a hop, and what its program has to do. The loader writes them into
 * each copy of a template, so that the verifier removes what does not apply. */
enum hop_flags {
	HOP_ORIGIN = 1 << 0,  /* may start a path before its verdict */
	HOP_BIRTH = 1 << 1,   /* nothing before it can belong to this skb */
	HOP_VERDICT = 1 << 2, /* IP header complete: an expression without link part is decided */
	HOP_TAP_TX = 1 << 3,
	HOP_TAP_RX = 1 << 4,
	HOP_TAP_LATE = 1 << 5, /* tap for devices that the receive core reaches without its tracepoint */
	HOP_DEV = 1 << 6,      /* skb->dev means something here */
	HOP_QUEUED = 1 << 7,   /* a socket queues the packet and may wake its reader next */
	HOP_WAKE = 1 << 8,     /* argument is the socket: goes to the packet just queued */
	HOP_READ = 1 << 9,     /* current is the process that reads */
	HOP_SEND = 1 << 10,    /* current is the process that sends */
	HOP_SOCK = 1 << 11,    /* argument is a write-queue skb: remember for its socket */
	HOP_TAKE = 1 << 12,    /* first hop of the wire skb: takes over what its socket remembers */
	HOP_DROP = 1 << 13,
	HOP_END = 1 << 14,     /* not a hop of its own: the skb is gone */
	HOP_DRIVER = 1 << 15,  /* frames come from a device here: new, unless a virtual device sent them */
	HOP_LOCAL = 1 << 16,   /* locally made packets start here when nothing earlier is attached */
};

enum slot_state {
	SLOT_FREE = 0,
	SLOT_EARLY = 1,   /* provisional: no verdict yet */
	SLOT_LIVE = 2,    /* matched, not tapped */
	SLOT_OPEN = 3,    /* tap record written */
	SLOT_CLOSING = 4, /* path record being written */
	SLOT_WRITTEN = 5, /* written by the user side, or lost: nothing more is recorded */
};
#define STATE_MASK 7ULL
#define STATE_GEN 8ULL /* one generation */

enum slot_flags {
	SLOT_VIRTUAL = 1 << 0,  /* last hop was a virtual device's transmit */
	SLOT_CLONE = 1 << 1,    /* began as alias of parent */
	SLOT_SEGMENT = 1 << 2,  /* … by segmentation */
	SLOT_NOEND = 1 << 3,    /* its end was missed: address used again */
	SLOT_DROPPED = 1 << 4,  /* drop_* is set */
	SLOT_READER = 1 << 5,   /* reader is set */
	SLOT_SENDER = 1 << 6,   /* sender is set */
	SLOT_ORIGINS = 1 << 7,  /* only origin hops so far */
};

struct hop_rec {
	__u64 ns;  /* CLOCK_MONOTONIC */
	__u16 hop; /* index in the hop set */
	__u16 cpu;
	__u8 dev; /* 1 + index in devs where the device changed, else 0 */
	__u8 pad[3];
};

struct dev_rec {
	__u32 ifindex;
	__u32 netns;
	char name[IFNAMSIZ];
};

struct proc_rec {
	__u32 pid;
	__u32 tid;
	char comm[TASK_COMM_LEN];
};

struct slot {
	/* The head of a path record: kind is REC_PATH when it is in the ring. */
	__u32 kind;
	__u32 index;  /* of this slot */
	__u64 state;  /* generation << 3 | slot_state; changed by compare-and-swap on both sides */
	__u64 key;    /* address of the skb, from an anchor */
	__u64 id;     /* of the journey; 0 until somebody needs it */
	__u64 parent; /* id of the skb this one was copied from; 0 if none */
	__u64 last_dev;
	__u64 drop_location;
	struct proc_rec sender;
	struct proc_rec reader;
	__u32 drop_reason;
	__u32 flags; /* enum slot_flags */
	__u16 hops;
	__u16 trunc;
	__u16 segs;
	__u8 tap; /* 1 + index of the hop at the tap */
	__u8 devs;
	struct dev_rec dev[MAX_DEVS];
	struct hop_rec hop[MAX_HOPS];
};

_Static_assert(sizeof(struct hop_rec) == 16, "hop_rec");
_Static_assert(sizeof(struct slot) <= 1024, "slot");

struct line {
	__u64 key[WAYS];
};

enum rec_kind {
	REC_TAP = 1,
	REC_PATH = 2,
};

enum tap_flags {
	TAP_OUT = 1 << 0,
	TAP_NOLINK = 1 << 1, /* bytes start at the network header */
	TAP_DROP = 1 << 2,   /* dropped before any tap: bytes as they were then */
	TAP_MORE = 1 << 3,   /* the rest comes through the perf buffer, by id */
	TAP_NOSLOT = 1 << 4, /* no slot was free: no path will come */
	TAP_VLAN = 1 << 5,   /* vlan_* is set */
	TAP_CUT = 1 << 6,    /* bytes could not be read to the end */
};

/* struct tap is the record of a packet at its tap; cap bytes follow. */
struct tap {
	__u32 kind;
	__u32 index; /* of the slot */
	__u64 state; /* of the slot, after the tap */
	__u64 id;
	__u64 ns;
	__u32 ifindex;
	__u32 netns;
	char name[IFNAMSIZ];
	__u32 len;  /* on the wire, from the first byte captured on */
	__u32 cap;  /* bytes that follow */
	__u32 want; /* bytes that there should be, TAP_MORE included */
	__u32 flags;
	__u16 vlan_proto;
	__u16 vlan_tci;
	__u16 protocol; /* host order */
	__u16 queue;    /* receive queue + 1 */
	__u16 gso_segs;
	__u16 gso_size;
	__u16 hop;
	__u16 cpu;
};

/* struct more heads a perf record: the packet from skb->data on. */
struct more {
	__u64 id;
	__u32 skip; /* bytes of the packet in front of skb->data: in the tap record */
	__u32 size; /* bytes asked for */
};

enum stat {
	STAT_RING_PACKETS, /* packets that matched and were lost with the ring full */
	STAT_SCRATCH,      /* … because every copy buffer of the CPU was in use */
	STAT_RING_PATHS,   /* path records lost with the ring full */
	STAT_RING_HOPS,    /* … hops in them */
	STAT_NO_SLOT,      /* journeys without a slot */
	STAT_UNREADABLE,   /* packets whose headers could not be read: no verdict */
	STAT_UNDECIDED,    /* … whose filter wanted bytes outside the window */
	STAT_NOEND,        /* journeys whose end was missed */
	STAT_MAX,
};

struct stat_rec {
	__u64 n[STAT_MAX];
};

struct scope_key {
	__u32 netns;
	__u32 ifindex; /* 0: any device of the namespace */
};

#endif
