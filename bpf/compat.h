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

#ifndef bpf_ksym_exists /* libbpf 1.2 has it */
#define bpf_ksym_exists(sym) (!!(sym))
#endif

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

/*
 * A tracepoint's argument is a trusted pointer, and from 6.4 to 6.18 the verifier
 * looks through every type of the kernel by name, several times, whenever a
 * pointer is loaded through one: 5 ms each. untrusted() is the same skb without
 * that, where the kernel has the cast (from 6.2 on); nothing is left of it in
 * the program.
 */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

static __always_inline struct sk_buff *untrusted(struct sk_buff *skb)
{
	if (!bpf_ksym_exists(bpf_rdonly_cast))
		return skb;
	return bpf_rdonly_cast(skb, bpf_core_type_id_kernel(struct sk_buff));
}

#endif
