/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of the kernel's types that hopdump reads, and nothing else: this
 * file is the list of what it depends on. Field offsets are fixed up at load
 * (CO-RE), so order and padding here mean nothing.
 */
#ifndef HOPDUMP_KERNEL_H
#define HOPDUMP_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* uapi/linux/bpf.h, as far as it is used */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_F_MMAPABLE = 1 << 10,
};
#define BPF_F_CURRENT_CPU 0xffffffffULL
enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
};

struct bpf_dynptr {
	__u64 opaque[2];
} __attribute__((aligned(8)));

#define IFNAMSIZ 16
#define TASK_COMM_LEN 16
#define IFF_LOOPBACK 0x8   /* uapi/linux/if.h */
#define ARPHRD_ETHER 1     /* uapi/linux/if_arp.h */
#define ARPHRD_LOOPBACK 772
#define ETH_HLEN 14

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	__u32 inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct device {
	struct device *parent; /* NULL for a virtual network device */
};

struct net_device {
	char name[IFNAMSIZ];
	int ifindex;
	__u32 flags;
	__u16 type; /* ARPHRD_… */
	possible_net_t nd_net;
	struct device dev;
};

struct sock_common {
	possible_net_t skc_net;
};

struct sock {
	struct sock_common __sk_common;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned int len;
	unsigned int data_len;
	__u16 queue_mapping;
	int skb_iif; /* 0 until the receive core has seen the packet */
	__be16 vlan_proto;
	__u16 vlan_tci;
	__be16 protocol;
	__u16 network_header; /* all offsets count from head */
	__u16 mac_header;     /* 0xffff: unset */
	__u32 end;            /* sk_buff_data_t: an offset on 64 bit */
	unsigned char *head;
	unsigned char *data;
};

struct skb_shared_info {
	__u16 gso_size;
	__u16 gso_segs;
};

#pragma clang attribute pop

#endif
