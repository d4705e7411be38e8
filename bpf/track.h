/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Slots: where the hops of one skb are collected, found by the skb's address.
 *
 * Keys stand in lines of eight (one cache line), claimed by compare-and-swap.
 * An 8-way line loses 0.05 % of 5,000 live skbs where a direct-mapped table of
 * the same size loses 13.8 % (simulated with scattered slabs).
 */
#ifndef HOPDUMP_TRACK_H
#define HOPDUMP_TRACK_H

#include "hop.h"
#include "headers/bpf_helpers.h"

/* Set by the loader; constants for the verifier. */
const volatile __u32 cfg_line_mask = 1;

/* Nothing is recorded before the user side has attached everything. */
volatile __u32 gate = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct line);
} lines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stat_rec);
} stats SEC(".maps");

/* ref is a slot that was found or claimed; slot is NULL if there is none. */
struct ref {
	struct slot *slot;
	struct line *line;
};

/*
 * Functions without "static" and "inline" here and in tap.h are global functions
 * to the verifier: it checks each of them once, and knows nothing of what they
 * return. Where a loop ends in one of several constants this keeps it from
 * following every caller once per constant (the drop program: 65,700
 * instructions checked before, 7,000 after).
 */

/* Atomic although the counter is per CPU: a program may be interrupted by another. */
__noinline int count(__u32 which, __u64 n)
{
	__u32 zero = 0;
	struct stat_rec *s = bpf_map_lookup_elem(&stats, &zero);

	if (s && which < STAT_MAX)
		__sync_fetch_and_add(&s->n[which], n);
	return 0;
}

/*
 * key_of makes a number of a pointer that the verifier knows the type of, and
 * on which it refuses arithmetic. The difference of two pointers is a plain
 * number to it, and gate stays where it is as long as the programs live.
 */
static __always_inline __u64 key_of(const void *p)
{
	__u64 key = (__u64)p;

	asm volatile("%0 -= %1" : "+r"(key) : "r"(&gate));
	return key;
}

static __always_inline __u32 line_of(__u64 key)
{
	return (key * 0x9e3779b97f4a7c15ULL) >> 32 & cfg_line_mask;
}

static __always_inline struct ref find(__u64 key)
{
	__u32 at = line_of(key), way = WAYS, index;
	struct ref r = {};

	r.line = bpf_map_lookup_elem(&lines, &at);
	if (!r.line)
		return r;
#pragma unroll
	for (int i = 0; i < WAYS; i++) {
		if (r.line->key[i] == key)
			way = i;
	}
	if (way == WAYS)
		return r;
	index = at * WAYS + way;
	r.slot = bpf_map_lookup_elem(&slots, &index);
	return r;
}

static __always_inline __u32 state_of(const struct slot *s)
{
	return *(volatile __u64 *)&s->state & STATE_MASK;
}

static __always_inline void set_state(struct slot *s, enum slot_state to)
{
	s->state = (s->state & ~STATE_MASK) | to;
}

static __always_inline void release(struct ref *r)
{
	struct slot *s = r->slot;

	s->state = (s->state & ~STATE_MASK) + STATE_GEN;
	if (r->line)
		r->line->key[s->index % WAYS] = 0;
}

/*
 * take_way claims a place in a line: a free one, else one whose journey the
 * user side has written already. Returns WAYS if there is none.
 */
__noinline __u32 take_way(__u64 key, __u32 at)
{
	struct line *line = bpf_map_lookup_elem(&lines, &at);

	if (!line)
		return WAYS;
	for (__u32 i = 0; i < WAYS; i++) {
		if (!line->key[i] && !__sync_val_compare_and_swap(&line->key[i], 0, key))
			return i;
	}
	for (__u32 i = 0; i < WAYS; i++) {
		__u32 index = at * WAYS + i;
		struct slot *s = bpf_map_lookup_elem(&slots, &index);
		__u64 old = line->key[i];

		if (!s || !old || (s->state & STATE_MASK) != SLOT_WRITTEN)
			continue;
		if (__sync_val_compare_and_swap(&line->key[i], old, key) == old)
			return i;
	}
	return WAYS;
}

static __always_inline struct ref claim(__u64 key)
{
	__u32 at = line_of(key), index;
	__u32 way = take_way(key, at);
	struct slot *s;
	struct ref r = {};

	index = at * WAYS + way;
	if (way >= WAYS)
		goto none;
	r.line = bpf_map_lookup_elem(&lines, &at);
	s = bpf_map_lookup_elem(&slots, &index);
	if (!s || !r.line)
		goto none;
	s->state = (s->state & ~STATE_MASK) + STATE_GEN + SLOT_EARLY;
	s->kind = REC_PATH;
	s->index = index;
	s->key = key;
	s->id = 0;
	s->parent = 0;
	s->last_dev = 0;
	s->sender.pid = 0;
	s->reader.pid = 0;
	s->flags = SLOT_ORIGINS;
	s->hops = 0;
	s->trunc = 0;
	s->segs = 0;
	s->tap = 0;
	s->devs = 0;
	r.slot = s;
	return r;
none:
	count(STAT_NO_SLOT, 1);
	return r;
}

/* known_dev returns 1 + the place of a device in the slot, 0 if it is not there. */
__noinline __u32 known_dev(struct slot *s, __u32 ifindex, __u32 netns)
{
	if (!s)
		return 0;
	for (__u32 i = 0; i < MAX_DEVS; i++) {
		if (i >= s->devs)
			break;
		if (s->dev[i].ifindex == ifindex && s->dev[i].netns == netns)
			return i + 1;
	}
	return 0;
}

/* dev_index returns 1 + the place of dev among the journey's devices where it is
 * another one than at the hop before, else 0. */
static __always_inline __u8 dev_index(struct slot *s, struct net_device *dev)
{
	__u64 key = key_of(dev);
	struct dev_rec *d;
	__u32 ifindex, netns, n;

	if (key == s->last_dev)
		return 0;
	s->last_dev = key;
	ifindex = dev->ifindex;
	netns = dev->nd_net.net->ns.inum;
	n = known_dev(s, ifindex, netns);
	if (n)
		return n;
	n = s->devs;
	if (n >= MAX_DEVS)
		return 0;
	d = &s->dev[n];
	d->ifindex = ifindex;
	d->netns = netns;
	bpf_probe_read_kernel(d->name, sizeof(d->name), dev->name);
	s->devs = n + 1;
	return n + 1;
}

static __always_inline void append(struct slot *s, __u16 hop, __u64 ns, __u16 cpu, __u8 dev)
{
	__u32 n = s->hops;

	if (n >= MAX_HOPS) {
		s->trunc++;
		return;
	}
	s->hop[n].ns = ns;
	s->hop[n].hop = hop;
	s->hop[n].cpu = cpu;
	s->hop[n].dev = dev;
	/* The user side may be reading: the hop first, then the count. */
	asm volatile("" ::: "memory");
	s->hops = n + 1;
}

static __always_inline void set_proc(struct proc_rec *p)
{
	__u64 id = bpf_get_current_pid_tgid();

	p->pid = id >> 32;
	p->tid = (__u32)id;
	bpf_get_current_comm(p->comm, sizeof(p->comm));
}

#endif
