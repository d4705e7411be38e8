// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// EnumNames returns the names of an enum's values, as the kernel's source has
// them: EnumNames(spec, "skb_drop_reason") maps 2 or 3, depending on the kernel,
// to "SKB_DROP_REASON_NO_SOCKET". Of several names of one value it is the first.
// A negative value of a signed enum is extended to 64 bits. The error wraps
// [ErrNotFound] if spec has no enum of that name with values.
func EnumNames(spec *btf.Spec, enum string) (map[uint64]string, error) {
	types, err := spec.AnyTypesByName(enum)
	if err != nil {
		return nil, fmt.Errorf("btfquery: enum %s: %w", enum, err)
	}
	for _, t := range types {
		e, ok := t.(*btf.Enum)
		if !ok || e.Name != enum || len(e.Values) == 0 {
			continue
		}
		names := make(map[uint64]string, len(e.Values))
		for _, v := range e.Values {
			if _, ok := names[v.Value]; !ok {
				names[v.Value] = v.Name
			}
		}
		return names, nil
	}
	return nil, fmt.Errorf("btfquery: enum %s: %w", enum, ErrNotFound)
}
