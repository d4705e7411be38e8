//go:build ignore

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs of hopdump. There is one template for each mechanism and place
 * of the argument; the loader copies it for each hop of the hop set and writes
 * the hop's number and flags into the copy (see mark below), so that the
 * verifier throws out what does not apply.
 */
#include "kernel.h"
#include "compat.h"
#include "hop.h"
#include "track.h"
#include "tap.h"

/* The loader puts the numbers of a hop in the place of these constants. */
#define MARK_HOP 0x48f0d001
#define MARK_FLAGS 0x48f0d002
#define mark(which)                                                \
	({                                                         \
		__u64 v;                                           \
		asm volatile("%0 = %1" : "=r"(v) : "i"(which));    \
		(__u32)v;                                          \
	})

/* Whether the expression can be decided from the IP header on. */
const volatile __u32 cfg_early_verdict = 1;
/* No end-of-life hooks: what was read or dropped is taken as ended. */
const volatile __u32 cfg_weak_end = 0;
const volatile __u32 cfg_sock_mask = 0;

/* The packet that a socket has just queued on this CPU: its wake-up follows
 * before bottom halves run again. */
struct queued {
	__u64 sock;
	__u64 key;
	__u64 state;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct queued);
} queued SEC(".maps");

/* What is remembered of a TCP socket until its wire skb shows up. The socket is
 * locked from one to the other; two sockets that meet in one place only lose
 * these first hops. */
struct sock_rec {
	__u64 sock;
	__u64 ns;
	__u16 hop;
	__u16 cpu;
	__u32 pad;
	struct proc_rec sender;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sock_rec);
} socks SEC(".maps");

static __always_inline struct sock_rec *sock_at(__u64 key)
{
	__u32 at = (key * 0x9e3779b97f4a7c15ULL) >> 32 & cfg_sock_mask;

	return bpf_map_lookup_elem(&socks, &at);
}

static __always_inline __u64 new_id(void)
{
	return __sync_fetch_and_add(&next_id, 1) + 1;
}

/* finish ends a journey: the path goes into the ring if the packet did. */
static __always_inline void finish(struct ref *r)
{
	struct slot *s = r->slot;
	__u64 state = s->state, closing = (state & ~STATE_MASK) | SLOT_CLOSING;

	/* The user side may be taking it over at this moment: one of the two wins. */
	if ((state & STATE_MASK) == SLOT_OPEN &&
	    __sync_val_compare_and_swap(&s->state, state, closing) == state)
		emit_path(s);
	release(r);
}

/* abandon ends a journey whose end was missed: its address is in use again. */
static __always_inline void abandon(struct ref *r)
{
	if (state_of(r->slot) == SLOT_OPEN) {
		r->slot->flags |= SLOT_NOEND;
		count(STAT_NOEND, 1);
	}
	finish(r);
}

/*
 * stale says whether the slot found at an origin hop belongs to an skb that is
 * gone. A virtual device hands the same skb on; whatever else reaches a place
 * where packets are born is a new one.
 */
static __always_inline bool stale(struct sk_buff *skb, struct slot *s, __u32 flags)
{
	if (flags & HOP_BIRTH)
		return true;
	if (s->flags & SLOT_VIRTUAL)
		return false;
	if (flags & HOP_DRIVER)
		return true;
	if (flags & HOP_LOCAL)
		return !(s->flags & SLOT_ORIGINS) && !skb->skb_iif;
	return false;
}

/* take_over puts the hops that were kept for the socket in front. */
static __always_inline void take_over(struct sk_buff *skb, struct slot *s)
{
	struct sock_rec *k;
	__u64 sock;

	if (!skb->sk)
		return;
	sock = key_of(skb->sk);
	k = sock_at(sock);
	if (!k || k->sock != sock)
		return;
	if (k->sender.pid) {
		s->sender = k->sender;
		s->flags |= SLOT_SENDER;
	}
	if (!k->ns)
		return;
	append(s, k->hop, k->ns, k->cpu, 0);
	k->ns = 0;
}

/* record adds the hop to the slot, with what the hop's flags say about it. */
static __always_inline void record(struct sk_buff *skb, struct slot *s, const struct moment *m, __u32 flags)
{
	__u8 dev = 0;

	if (flags & HOP_SEND) {
		set_proc(&s->sender);
		s->flags |= SLOT_SENDER;
	}
	if (flags & HOP_READ && !(s->flags & SLOT_READER)) {
		set_proc(&s->reader);
		s->flags |= SLOT_READER;
	}
	if (flags & HOP_DEV && skb->dev)
		dev = dev_index(s, skb->dev);
	s->flags &= ~SLOT_VIRTUAL;
	if (!(flags & HOP_ORIGIN))
		s->flags &= ~SLOT_ORIGINS;
	append(s, m->hop, m->ns, m->cpu, dev);
	if (flags & HOP_TAP_TX && !skb->dev->dev.parent)
		s->flags |= SLOT_VIRTUAL;
}

/* tap_here writes the tap record of the hop that was recorded last. */
static __always_inline void tap_here(struct sk_buff *skb, struct slot *s, struct view *v,
				     const struct moment *m, __u32 flags, struct sk_buff *whole)
{
	if (!s->id)
		s->id = new_id();
	s->tap = s->hops;
	/* Open first: the user side may have the record before this returns. */
	set_state(s, SLOT_OPEN);
	if (!emit_tap(skb, v, s, m, flags, whole))
		set_state(s, SLOT_WRITTEN);
}

/* The transmit side of loopback is not a tap: the same skb arrives at once, and
 * tcpdump shows it then. */
static __always_inline bool is_tap(struct sk_buff *skb, struct slot *s, __u32 flags)
{
	if (flags & HOP_TAP_TX)
		return !(skb->dev->flags & IFF_LOOPBACK);
	if (flags & HOP_TAP_LATE)
		return s && skb->dev && s->last_dev != key_of(skb->dev);
	return flags & HOP_TAP_RX;
}

/*
 * at_tap decides about a packet that has not been tapped yet. Taps run with
 * bottom halves off, so a packet that an earlier hop missed is filtered here
 * too: a missed program costs hops, never a packet.
 */
static __always_inline void at_tap(struct sk_buff *skb, struct ref *r, __u64 key, const struct moment *m,
				   __u32 flags, struct sk_buff *whole)
{
	struct view v = {};
	bool known = r->slot && state_of(r->slot) == SLOT_LIVE;
	bool inside;

	view_dev(skb, &v);
	inside = in_scope(&v);
	if (inside && !view_tap(skb, &v, flags & HOP_TAP_TX)) {
		count(STAT_UNREADABLE, 1);
		inside = false;
	}
	if (inside && !known && !matches(skb, &v)) {
		if (r->slot)
			release(r);
		return;
	}
	if (!r->slot)
		*r = claim(key);
	if (r->slot) {
		record(skb, r->slot, m, flags);
		if (inside)
			tap_here(skb, r->slot, &v, m, 0, whole);
	} else if (inside) {
		emit_tap(skb, &v, NULL, m, 0, whole);
	}
}

/* early_verdict decides as soon as the IP header is whole. */
static __always_inline bool early_verdict(struct sk_buff *skb, struct slot *s)
{
	struct view v = {};

	view_dev(skb, &v);
	if (!view_ip(skb, &v))
		return true; /* the tap will see */
	if (!verdict(skb, &v))
		return false;
	set_state(s, SLOT_LIVE);
	return true;
}

/* at_drop: what dies before any tap is captured here, with what it has. */
static __always_inline void at_drop(struct sk_buff *skb, struct ref *r, __u64 key, const struct moment *m,
				    __u64 location, __u32 reason, struct sk_buff *whole)
{
	__u32 state = r->slot ? state_of(r->slot) : SLOT_EARLY;
	struct view v = {};
	struct slot *s;

	if (state == SLOT_WRITTEN)
		return;
	if (state != SLOT_OPEN) {
		view_dev(skb, &v);
		if (!view_drop(skb, &v) || !in_scope(&v) || (state == SLOT_EARLY && !matches(skb, &v)))
			return;
	}
	if (!r->slot)
		*r = claim(key);
	s = r->slot;
	if (!s) {
		emit_tap(skb, &v, NULL, m, TAP_DROP, whole);
		return;
	}
	record(skb, s, m, HOP_DEV);
	s->drop_location = location;
	s->drop_reason = reason;
	s->flags |= SLOT_DROPPED;
	if (state != SLOT_OPEN)
		tap_here(skb, s, &v, m, TAP_DROP, whole);
	if (cfg_weak_end)
		finish(r);
}

static __always_inline void remember_queued(struct slot *s, __u64 sock, __u64 key)
{
	__u32 zero = 0;
	struct queued *q = bpf_map_lookup_elem(&queued, &zero);

	if (!q)
		return;
	q->sock = sock;
	q->key = key;
	q->state = s->state & ~STATE_MASK;
}

/*
 * What the kinds of templates can do. The compiler leaves the rest out: the
 * verifier could, too, but takes ten times as long for it.
 */
#define ORIGIN_MASK (HOP_ORIGIN | HOP_BIRTH | HOP_VERDICT | HOP_DEV | HOP_SEND | HOP_TAKE | HOP_DRIVER | HOP_LOCAL)
#define TRANSIT_MASK (HOP_DEV)
#define READ_MASK (HOP_DEV | HOP_READ)
#define QUEUED_MASK (HOP_DEV | HOP_QUEUED)
#define LATE_MASK (HOP_DEV | HOP_TAP_LATE)
#define TAP_MASK (HOP_DEV | HOP_TAP_TX | HOP_TAP_RX)

/* hop is what most programs do. whole is the skb if a dynptr can be made of it,
 * sock the socket's key where the function has it. */
static __always_inline int hop(struct sk_buff *skb, struct sk_buff *whole, __u64 sock, __u32 mask)
{
	__u32 flags = mark(MARK_FLAGS) & mask;
	struct moment m = { .hop = mark(MARK_HOP) };
	__u64 key = key_of(skb);
	struct ref r;
	__u32 state;

	if (!gate)
		return 0;
	r = find(key);
	if (r.slot && flags & HOP_ORIGIN && stale(skb, r.slot, flags)) {
		abandon(&r);
		r.slot = NULL;
	}
	if (!r.slot && !(flags & (HOP_ORIGIN | HOP_TAP_RX | HOP_TAP_TX)))
		return 0;
	m.ns = bpf_ktime_get_ns();
	m.cpu = bpf_get_smp_processor_id();
	state = r.slot ? state_of(r.slot) : SLOT_EARLY;
	if (state == SLOT_WRITTEN || state == SLOT_CLOSING)
		return 0;
	if (state < SLOT_OPEN && flags & (HOP_TAP_RX | HOP_TAP_TX | HOP_TAP_LATE) && is_tap(skb, r.slot, flags)) {
		at_tap(skb, &r, key, &m, flags, whole);
		return 0;
	}
	if (!r.slot) {
		if (!(flags & HOP_ORIGIN))
			return 0;
		r = claim(key);
		if (!r.slot)
			return 0;
		if (flags & HOP_TAKE)
			take_over(skb, r.slot);
	}
	record(skb, r.slot, &m, flags);
	if (flags & HOP_VERDICT && cfg_early_verdict && state == SLOT_EARLY && !early_verdict(skb, r.slot)) {
		release(&r);
		return 0;
	}
	if (flags & HOP_QUEUED)
		remember_queued(r.slot, sock, key);
	if (flags & HOP_READ && cfg_weak_end)
		finish(&r);
	return 0;
}

/* wakeup adds the hop to the packet that this socket has just queued. */
static __always_inline int wakeup(struct sock *sk)
{
	__u32 zero = 0;
	struct queued *q = bpf_map_lookup_elem(&queued, &zero);
	struct ref r;

	if (!gate || !q || q->sock != key_of(sk))
		return 0;
	q->sock = 0;
	r = find(q->key);
	if (!r.slot || (r.slot->state & ~STATE_MASK) != q->state || state_of(r.slot) > SLOT_OPEN)
		return 0;
	append(r.slot, mark(MARK_HOP), bpf_ktime_get_ns(), bpf_get_smp_processor_id(), 0);
	return 0;
}

#define ARG(type, n) ((type)ctx[(n) - 1])

/* One template per kind and place of the skb among the arguments. */
#define TEMPLATE(mechanism, kind, n, mask, as)                        \
	SEC(#mechanism "/hop")                                        \
	int mechanism##_##kind##_##n(__u64 *ctx)                      \
	{                                                             \
		return hop(as(ARG(struct sk_buff *, n)), NULL, 0, mask); \
	}
TEMPLATE(fentry, origin, 1, ORIGIN_MASK, )
TEMPLATE(fentry, origin, 3, ORIGIN_MASK, )
TEMPLATE(fentry, transit, 1, TRANSIT_MASK, )
TEMPLATE(fentry, transit, 3, TRANSIT_MASK, )
TEMPLATE(fentry, late, 1, LATE_MASK, )
TEMPLATE(fentry, read, 2, READ_MASK, )
TEMPLATE(tp_btf, origin, 1, ORIGIN_MASK, untrusted)
TEMPLATE(tp_btf, transit, 1, TRANSIT_MASK, untrusted)
TEMPLATE(tp_btf, transit, 3, TRANSIT_MASK, untrusted)
TEMPLATE(tp_btf, transit, 4, TRANSIT_MASK, untrusted)
TEMPLATE(tp_btf, read, 1, READ_MASK, untrusted)
TEMPLATE(tp_btf, tap, 1, TAP_MASK, )

/* For kernels where a tracepoint's skb can be read through a dynptr. */
SEC("tp_btf/hop")
int tp_btf_tap_1_dynptr(__u64 *ctx)
{
	struct sk_buff *skb = ARG(struct sk_buff *, 1);

	return hop(untrusted(skb), skb, 0, TAP_MASK);
}

/* A socket queue: (sk, skb). */
SEC("fentry/hop")
int fentry_queued_2(__u64 *ctx)
{
	return hop(ARG(struct sk_buff *, 2), NULL, key_of(ARG(struct sock *, 1)), QUEUED_MASK);
}

SEC("fentry/hop")
int fentry_wake_1(__u64 *ctx)
{
	return wakeup(ARG(struct sock *, 1));
}

SEC("tp_btf/hop")
int tp_btf_wake_1(__u64 *ctx)
{
	return wakeup(ARG(struct sock *, 1));
}

/* kfree_skb(skb, location, reason, …): the arguments used are those of every kernel. */
static __always_inline int drop(__u64 *ctx, struct sk_buff *skb, struct sk_buff *whole)
{
	struct moment m = { .hop = mark(MARK_HOP) };
	__u64 key = key_of(skb);
	struct ref r;

	if (!gate)
		return 0;
	m.ns = bpf_ktime_get_ns();
	m.cpu = bpf_get_smp_processor_id();
	r = find(key);
	at_drop(skb, &r, key, &m, ctx[1], ctx[2], whole);
	return 0;
}

SEC("tp_btf/kfree_skb")
int tp_btf_drop_1(__u64 *ctx)
{
	return drop(ctx, ARG(struct sk_buff *, 1), NULL);
}

SEC("tp_btf/kfree_skb")
int tp_btf_drop_1_dynptr(__u64 *ctx)
{
	struct sk_buff *skb = ARG(struct sk_buff *, 1);

	return drop(ctx, untrusted(skb), skb);
}

static __always_inline int end(struct sk_buff *skb)
{
	struct ref r;

	if (!gate)
		return 0;
	r = find(key_of(skb));
	if (r.slot)
		finish(&r);
	return 0;
}

SEC("fentry/end")
int fentry_end(__u64 *ctx)
{
	return end(ARG(struct sk_buff *, 1));
}

SEC("tp_btf/end")
int tp_btf_end(__u64 *ctx)
{
	return end(ARG(struct sk_buff *, 1));
}

/* adopt makes the slot of an alias: what was true of the parent is true of it. */
static __always_inline void adopt(struct slot *s, struct slot *from, struct sk_buff *old)
{
	struct skb_shared_info *shared = (void *)old->head + old->end;
	__u32 n = from->hops;

	if (!from->id)
		from->id = new_id();
	s->parent = from->id;
	s->flags = (from->flags & (SLOT_SENDER | SLOT_ORIGINS)) | SLOT_CLONE;
	s->sender = from->sender;
	s->last_dev = from->last_dev;
	s->devs = from->devs;
	s->trunc = from->trunc;
	/* A parent whose GSO size the alias loses is being segmented; the tap
	 * knows, from the size the alias has then. */
	s->segs = BPF_CORE_READ(shared, gso_segs);
	if (n > MAX_HOPS)
		n = MAX_HOPS;
	bpf_probe_read_kernel(s->dev, sizeof(s->dev), from->dev);
	bpf_probe_read_kernel(s->hop, n * sizeof(struct hop_rec), from->hop);
	s->hops = n;
	if (state_of(from) != SLOT_EARLY)
		set_state(s, SLOT_LIVE);
}

/* __copy_skb_header(new, old): every clone, copy, segment and morph. */
SEC("fentry/__copy_skb_header")
int fentry_alias(__u64 *ctx)
{
	struct sk_buff *old = ARG(struct sk_buff *, 2);
	__u64 key = key_of(ARG(struct sk_buff *, 1));
	struct ref r, from;

	if (!gate)
		return 0;
	r = find(key);
	if (r.slot)
		abandon(&r);
	from = find(key_of(old));
	if (!from.slot || state_of(from.slot) > SLOT_OPEN)
		return 0;
	r = claim(key);
	if (r.slot)
		adopt(r.slot, from.slot, old);
	return 0;
}

/* tcp_sendmsg_locked(sk, …): who writes to the socket. */
SEC("fentry/tcp_sendmsg_locked")
int fentry_sender(__u64 *ctx)
{
	__u64 sock = key_of(ARG(struct sock *, 1));
	struct sock_rec *k = sock_at(sock);

	if (!gate || !k)
		return 0;
	if (k->sock != sock) {
		k->sock = sock;
		k->ns = 0;
	}
	set_proc(&k->sender);
	return 0;
}

/* __tcp_transmit_skb(sk, skb, …): the original, which no tap ever sees. */
SEC("fentry/hop")
int fentry_sock_1(__u64 *ctx)
{
	__u64 sock = key_of(ARG(struct sock *, 1));
	struct sock_rec *k = sock_at(sock);

	if (!gate || !k)
		return 0;
	if (k->sock != sock) {
		k->sock = sock;
		k->sender.pid = 0;
	}
	k->hop = mark(MARK_HOP);
	k->cpu = bpf_get_smp_processor_id();
	k->ns = bpf_ktime_get_ns();
	return 0;
}

/* Types that the user side needs and no map or global mentions. */
const enum hop_flags *_hop_flags __attribute__((unused));
const enum slot_state *_slot_state __attribute__((unused));
const enum slot_flags *_slot_flags __attribute__((unused));
const enum tap_flags *_tap_flags __attribute__((unused));
const enum rec_kind *_rec_kind __attribute__((unused));
const enum stat *_stat __attribute__((unused));
const enum scope_mode *_scope_mode __attribute__((unused));
const struct tap *_tap __attribute__((unused));
const struct more *_more __attribute__((unused));

char _license[] SEC("license") = "Dual BSD/GPL";
