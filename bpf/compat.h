/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Differences between kernels, one function each. Which branch is taken is
 * decided at load from the running kernel's BTF, never from its version.
 */
#ifndef HOPDUMP_COMPAT_H
#define HOPDUMP_COMPAT_H

#include "kernel.h"
#include "headers/bpf_helpers.h"
#include "headers/bpf_core_read.h"

/* Up to 6.1: a bit says whether there is a tag. */
struct sk_buff___vlan_bit {
	__u8 vlan_present : 1;
} __attribute__((preserve_access_index));

/* From 6.2 (354259fa73e2, "net: remove skb->vlan_present"): a tag whose
 * protocol and TCI are both zero does not exist. */
struct sk_buff___vlan_all {
	__u32 vlan_all;
} __attribute__((preserve_access_index));

/* vlan_tag_present says whether the packet's VLAN tag is in its metadata. */
static __always_inline bool vlan_tag_present(struct sk_buff *skb)
{
	struct sk_buff___vlan_bit *bit = (void *)skb;
	struct sk_buff___vlan_all *all = (void *)skb;

	if (bpf_core_field_exists(bit->vlan_present))
		return BPF_CORE_READ_BITFIELD(bit, vlan_present);
	if (bpf_core_field_exists(all->vlan_all))
		return all->vlan_all != 0;
	return skb->vlan_proto != 0;
}

#endif
