/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the generated functions over many windows in one program run. Compiled
 * object: harness.o, made by
 *	clang-19 -O2 -g -ffile-prefix-map="$PWD"=. -target bpfel -mcpu=v3 -Wall -Werror -c harness.c -o harness.o
 *	llvm-strip-19 -g harness.o
 * The window lies on the stack, as in the programs that use the filter.
 */
typedef unsigned char __u8;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#define SEC(name) __attribute__((section(name), used))
#define FILTER_WINDOW 192
#define WINDOWS 16384

struct filter_window {
	__u8 data[FILTER_WINDOW];
	__u32 n;
	__u32 avail;
	__u32 len;
	__u32 vlan;
	__u32 vproto;
	__u32 proto;
	__u32 ifindex;
	__u32 pkttype;
	__u64 addr;
};

/* A window and the verdict about it; user space writes and reads them. */
struct slot {
	struct filter_window w;
	__u64 verdict;
};

struct {
	int (*type)[2]; /* BPF_MAP_TYPE_ARRAY */
	int (*map_flags)[1024]; /* BPF_F_MMAPABLE */
	__u32 *key;
	struct slot *value;
	int (*max_entries)[WINDOWS];
} slots SEC(".maps");

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*loop)(__u32 n, void *fn, void *ctx, __u64 flags) = (void *)181;

/* How many windows to look at, or how often at the first. */
const volatile __u32 count = WINDOWS;

__attribute__((noinline, weak)) __u32 filter_l2(const struct filter_window *w)
{
	return w ? w->len : 3;
}

__attribute__((noinline, weak)) __u32 filter_l3(const struct filter_window *w)
{
	return w ? w->len : 3;
}

static long one_l2(__u32 i, void *ctx)
{
	struct slot *s = map_lookup(&slots, &i);
	struct filter_window w;

	if (!s)
		return 1;
	__builtin_memcpy(&w, &s->w, sizeof(w));
	s->verdict = filter_l2(&w);
	return 0;
}

static long one_l3(__u32 i, void *ctx)
{
	struct slot *s = map_lookup(&slots, &i);
	struct filter_window w;

	if (!s)
		return 1;
	__builtin_memcpy(&w, &s->w, sizeof(w));
	s->verdict = filter_l3(&w);
	return 0;
}

SEC("tc") int run_l2(void *ctx)
{
	loop(count, one_l2, 0, 0);
	return 0;
}

SEC("tc") int run_l3(void *ctx)
{
	loop(count, one_l3, 0, 0);
	return 0;
}

/* The first window many times, for the benchmark. */
static long same(__u32 i, void *ctx)
{
	return filter_l2(*(void **)ctx) > 2;
}

SEC("tc") int bench_l2(void *ctx)
{
	__u32 zero = 0;
	struct slot *s = map_lookup(&slots, &zero);
	struct filter_window *w;

	if (!s)
		return 0;
	w = &s->w;
	loop(count, same, &w, 0);
	return 0;
}

char _license[] SEC("license") = "Apache-2.0";
