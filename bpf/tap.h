/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is read of a packet: the headers for the filter's verdict, and the bytes
 * at the tap.
 */
#ifndef HOPDUMP_TAP_H
#define HOPDUMP_TAP_H

#include "compat.h"
#include "filter.h"
#include "track.h"
#include "headers/bpf_endian.h"

#define SNAP_MAX 262144  /* the loader makes the map's values smaller when it can */
/* A perf record has 16 bits for its size: this, struct more, the record's head
 * of 8 bytes, a length of 4, and the padding of all that to 8. The largest TCP
 * packet with an MTU of 1,500 has 65,226 bytes. */
#define MORE_MAX 65496
#define PRE_MASK 255     /* bytes in front of skb->data: link headers */

enum scope_mode {
	SCOPE_ALL,    /* every device of every namespace */
	SCOPE_NETNS,  /* any device of cfg_netns */
	SCOPE_LISTED, /* devices in the map scope */
};

/* Set by the loader; constants for the verifier. */
const volatile __u32 cfg_scope = SCOPE_ALL;
const volatile __u32 cfg_netns = 0;
const volatile __u32 cfg_match_all = 1;
const volatile __u32 cfg_snap = 65536;
const volatile __u32 cfg_wake = 1; /* bytes in the ring from which on the reader is woken */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

/* Only for fragments where no dynptr can be had (up to 6.11, and in fentry). */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} rest SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct scope_key);
	__type(value, __u8);
} scope SEC(".maps");

/* A tap record is put together here and copied into the ring at its true
 * length: a ring reservation must have a length that the verifier knows. */
struct scratch {
	__u64 busy;
	__u64 base; /* kernel address of the first byte */
	struct tap tap;
	__u8 data[SNAP_MAX + PRE_MASK + 1];
};

#define SCRATCHES 3 /* of each CPU: a task, a softirq, an interrupt */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

__u64 next_id = 0;

extern int bpf_dynptr_from_skb(struct sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym;

/* view is a packet as seen from the first byte that is captured. */
struct view {
	__u64 base;  /* kernel address of that byte */
	__u32 len;   /* bytes of the packet from there on */
	__u32 avail; /* … of them in linear memory */
	__u32 pre;   /* bytes in front of skb->data */
	__u32 link;  /* whether base is a link header */
	__u32 out;
	__u32 ifindex;
	__u32 netns;
};

/*
 * skb->head and skb->data are plain numbers to the verifier up to 6.16 and
 * pointers to untrusted memory from 6.17 on. Sums and differences are made so
 * that they are the same in both: pointer plus number, pointer minus pointer.
 */
static __always_inline __u64 at_offset(unsigned char *head, __u64 offset)
{
	__u64 p = (__u64)head;

	asm volatile("%0 += %1" : "+r"(p) : "r"(offset));
	return p;
}

static __always_inline __s64 distance(unsigned char *to, __u64 from)
{
	__u64 d = (__u64)to;

	asm volatile("%0 -= %1" : "+r"(d) : "r"(from));
	return d;
}

static __always_inline bool has_link(struct net_device *dev)
{
	return dev->type == ARPHRD_ETHER || dev->type == ARPHRD_LOOPBACK;
}

/* Set base at offset bytes behind skb->head, and the lengths from there on.
 * False if no packet byte lies there. */
static __always_inline bool view_from(struct sk_buff *skb, struct view *v, __u64 base)
{
	__s64 pre = distance(skb->data, base);
	__u32 linear = skb->len - skb->data_len;

	v->base = base;
	v->pre = pre;
	v->len = skb->len + pre;
	v->avail = linear + pre;
	/* A header that was pulled lies in front of data, never far. */
	return pre <= PRE_MASK && pre >= -(__s64)linear;
}

/* At a tap: transmit starts at skb->data, receive at the link header. */
static __always_inline bool view_tap(struct sk_buff *skb, struct view *v, bool out)
{
	__u64 base = (__u64)skb->data;

	v->out = out;
	v->link = has_link(skb->dev);
	if (!out && v->link)
		base = at_offset(skb->head, skb->mac_header);
	return view_from(skb, v, base);
}

/* At ip_output and after: the IP header. */
static __always_inline bool view_ip(struct sk_buff *skb, struct view *v)
{
	v->out = 1;
	v->link = 0;
	return view_from(skb, v, at_offset(skb->head, skb->network_header));
}

/*
 * Where a packet dies it has the headers it has: the link header if there is
 * one in front of the network header, else the network header. What has
 * neither is no packet (netlink, unix sockets).
 */
static __always_inline bool view_drop(struct sk_buff *skb, struct view *v)
{
	__u32 mac = skb->mac_header, net = skb->network_header;

	v->out = !skb->skb_iif;
	v->link = mac != 0xffff && skb->dev && has_link(skb->dev) && (!net || net >= mac + ETH_HLEN);
	if (v->link && view_from(skb, v, at_offset(skb->head, mac)))
		return true;
	v->link = 0;
	return net && skb->protocol && view_from(skb, v, at_offset(skb->head, net));
}

static __always_inline void view_dev(struct sk_buff *skb, struct view *v)
{
	struct net_device *dev = skb->dev;
	struct sock *sk = skb->sk;

	v->ifindex = 0;
	v->netns = 0;
	/* The pointers that were checked, not another load of them: from 6.8 on
	 * skb->sk may be NULL to the verifier each time it is read. */
	asm volatile("" : "+r"(dev), "+r"(sk));
	if (dev) {
		v->ifindex = dev->ifindex;
		v->netns = dev->nd_net.net->ns.inum;
	} else if (sk) {
		v->netns = sk->__sk_common.skc_net.net->ns.inum;
	}
}

static __always_inline bool in_scope(const struct view *v)
{
	struct scope_key key = { .netns = v->netns, .ifindex = v->ifindex };

	if (cfg_scope == SCOPE_ALL)
		return true;
	if (cfg_scope == SCOPE_NETNS)
		return v->netns == cfg_netns;
	return bpf_map_lookup_elem(&scope, &key) != NULL;
}

/* verdict runs the expression on a packet's headers. */
static __noinline bool verdict(struct sk_buff *skb, struct view *v)
{
	struct filter_window w;
	__u32 r;

	/* Always the whole window: a constant length is the cheapest, what lies
	 * behind the packet in linear memory is the shared info of 320 bytes,
	 * and bytes behind n are never looked at. */
	w.n = v->avail < FILTER_WINDOW ? v->avail : FILTER_WINDOW;
	if (bpf_probe_read_kernel(w.data, FILTER_WINDOW, (void *)v->base)) {
		count(STAT_UNREADABLE, 1);
		return false;
	}
	w.avail = v->avail;
	w.len = v->len;
	w.vlan = vlan_tag_present(skb) ? 1 << 16 | skb->vlan_tci : 0;
	w.vproto = bpf_ntohs(skb->vlan_proto);
	w.proto = bpf_ntohs(skb->protocol);
	w.ifindex = v->ifindex;
	w.pkttype = v->out ? 4 : 0;
	w.addr = v->base;
	r = v->link ? filter_l2(&w) : filter_l3(&w);
	if (r == FILTER_UNDECIDED)
		count(STAT_UNDECIDED, 1);
	return r == FILTER_MATCH;
}

static __always_inline bool matches(struct sk_buff *skb, struct view *v)
{
	return cfg_match_all || verdict(skb, v);
}

static __always_inline __u64 wake(__u32 size)
{
	__u64 before = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);

	/* The reader looks by itself every few milliseconds. It is woken once,
	 * when the ring fills up to the mark: an interrupt for each record
	 * behind that costs more than the record. */
	return before < cfg_wake && before + size >= cfg_wake ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* find_scratch takes a free copy buffer of this CPU and returns its index,
 * a number beyond all of them if there is none. */
__noinline __u32 find_scratch(void)
{
	__u32 first = bpf_get_smp_processor_id() * SCRATCHES;

	for (__u32 i = 0; i < SCRATCHES; i++) {
		__u32 at = first + i;
		struct scratch *s = bpf_map_lookup_elem(&scratches, &at);

		if (s && !__sync_val_compare_and_swap(&s->busy, 0, 1))
			return at;
	}
	return ~0U;
}

/*
 * copy_linear puts the first bytes of the packet behind the tap record, as far
 * as they lie in linear memory: cap of them, which it lowers to 0 if they cannot
 * be read. Like send_tap it is a global function because a length that is not a
 * constant makes the verifier go back over everything that led to it.
 */
__noinline int copy_linear(__u32 at)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &at);
	__u32 n;

	if (!s)
		return 0;
	n = s->tap.cap;
	if (n > cfg_snap || bpf_probe_read_kernel(s->data, n, (void *)s->base))
		s->tap.cap = 0;
	return 0;
}

/* send_tap hands the copy buffer's record to the ring and frees the buffer;
 * 0 if the record was lost (and counted). */
__noinline int send_tap(__u32 at)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &at);
	__u32 n;
	int lost;

	if (!s)
		return 0;
	n = s->tap.cap;
	if (n > cfg_snap)
		n = cfg_snap;
	lost = bpf_ringbuf_output(&ring, &s->tap, sizeof(s->tap) + n, wake(sizeof(s->tap) + n));
	if (lost)
		count(STAT_RING_PACKETS, 1);
	s->busy = 0;
	return !lost;
}

/* copy_rest reads what lies in fragments, where a dynptr of the skb can be had
 * (tp_btf, from 6.12 on). It starts at skb->data. */
static __always_inline void copy_rest(struct sk_buff *skb, struct view *v, struct scratch *s)
{
	__u32 pre = v->pre & PRE_MASK, rest = s->tap.want - pre;
	struct bpf_dynptr p;

	/* Without the first bytes the rest is worth nothing. */
	if (!s->tap.cap || v->pre > PRE_MASK || rest > cfg_snap || s->tap.want <= pre)
		return;
	if (!bpf_dynptr_from_skb(skb, 0, &p) && !bpf_dynptr_read(s->data + pre, rest, &p, 0, 0))
		s->tap.cap = s->tap.want;
}

static __always_inline void fill_tap(struct sk_buff *skb, struct view *v, struct tap *t)
{
	struct skb_shared_info *shared = (void *)skb->head + skb->end;

	t->kind = REC_TAP;
	t->ifindex = v->ifindex;
	t->netns = v->netns;
	t->name[0] = 0;
	if (skb->dev)
		bpf_probe_read_kernel(t->name, sizeof(t->name), skb->dev->name);
	t->len = v->len;
	t->protocol = bpf_ntohs(skb->protocol);
	t->queue = v->out ? 0 : skb->queue_mapping;
	t->gso_segs = BPF_CORE_READ(shared, gso_segs);
	t->gso_size = BPF_CORE_READ(shared, gso_size);
	t->vlan_proto = skb->vlan_proto;
	t->vlan_tci = skb->vlan_tci;
	t->flags = (v->out ? TAP_OUT : 0) | (v->link ? 0 : TAP_NOLINK);
	if (vlan_tag_present(skb))
		t->flags |= TAP_VLAN;
}

/* The rest of a packet with fragments where only the kernel's own copy reaches
 * them; it starts at skb->data, and a perf record has less than 64 KiB. */
static __always_inline bool send_more(struct sk_buff *skb, struct view *v, struct tap *t)
{
	struct more head = { .id = t->id, .skip = v->pre, .size = t->want - v->pre };

	if (v->pre > PRE_MASK || !t->cap)
		return false;
	if (head.size > MORE_MAX)
		head.size = MORE_MAX;
	return !bpf_skb_output(skb, &rest, BPF_F_CURRENT_CPU | (__u64)head.size << 32, &head, sizeof(head));
}

struct moment {
	__u64 ns;
	__u16 hop;
	__u16 cpu;
};

/* emit_tap writes the tap record; false if it was lost (and counted). whole is
 * the skb if a dynptr can be made of it. */
static __always_inline bool emit_tap(struct sk_buff *skb, struct view *v, struct slot *slot,
				     const struct moment *m, __u32 flags, struct sk_buff *whole)
{
	__u32 at = find_scratch();
	struct scratch *s = bpf_map_lookup_elem(&scratches, &at);
	struct tap *t;

	if (!s) {
		count(STAT_SCRATCH, 1);
		return false;
	}
	t = &s->tap;
	fill_tap(skb, v, t);
	t->id = slot ? slot->id : __sync_fetch_and_add(&next_id, 1) + 1;
	t->index = slot ? slot->index : 0;
	t->state = slot ? (slot->state & ~STATE_MASK) + SLOT_OPEN : 0;
	t->ns = m->ns;
	t->hop = m->hop;
	t->cpu = m->cpu;
	t->want = v->len < cfg_snap ? v->len : cfg_snap;
	t->flags |= flags | (slot ? 0 : TAP_NOSLOT);
	t->cap = v->avail < t->want ? v->avail : t->want;
	s->base = v->base;
	copy_linear(at);
	if (t->cap < t->want && whole)
		copy_rest(whole, v, s);
	if (t->cap < t->want)
		t->flags |= !whole && send_more(skb, v, t) ? TAP_MORE : TAP_CUT;
	return send_tap(at);
}

/* emit_path writes the path record: the slot itself, up to its last hop. */
__noinline int emit_path(struct slot *s)
{
	__u32 n;

	if (!s)
		return 0;
	n = s->hops;
	if (n > MAX_HOPS)
		n = MAX_HOPS;
	n *= sizeof(struct hop_rec);
	if (bpf_ringbuf_output(&ring, s, __builtin_offsetof(struct slot, hop) + n,
			       wake(__builtin_offsetof(struct slot, hop) + n))) {
		count(STAT_RING_PATHS, 1);
		count(STAT_RING_HOPS, n / sizeof(struct hop_rec));
	}
	return 0;
}

#endif
