// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"errors"
	"fmt"
	"math"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxValue bounds a value in its parts: the items of lists, the keys of maps, and the bytes of texts.
const maxValue = 16 << 10

var errValueTooLarge = fmt.Errorf("the value is larger than %d bytes", maxValue)

// toJSON is a CEL value as JSON has it, with its type: a number stays a number. Times are texts.
func toJSON(value ref.Val) (any, error) {
	left := maxValue
	return encodeValue(value, &left)
}

func encodeValue(value ref.Val, left *int) (any, error) {
	if *left--; *left < 0 {
		return nil, errValueTooLarge
	}
	switch v := value.(type) {
	case types.Null:
		return nil, nil //nolint:nilnil // null is a value
	case types.Bool:
		return bool(v), nil
	case types.Int:
		return int64(v), nil
	case types.Uint:
		return uint64(v), nil
	case types.Double:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, errors.New("the number is not finite")
		}
		return float64(v), nil
	case types.String:
		if *left -= len(v); *left < 0 {
			return nil, errValueTooLarge
		}
		return string(v), nil
	case types.Duration:
		return v.String(), nil
	case types.Timestamp:
		return v.UTC().Format(time.RFC3339Nano), nil
	case traits.Mapper:
		return encodeMap(v, left)
	case traits.Lister:
		return encodeList(v, left)
	}
	return nil, fmt.Errorf("a value of type %s cannot be written as JSON", value.Type().TypeName())
}

func encodeList(list traits.Lister, left *int) (any, error) {
	encoded := []any{}
	for i := list.Iterator(); i.HasNext() == types.True; {
		item, err := encodeValue(i.Next(), left)
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, item)
	}
	return encoded, nil
}

func encodeMap(fields traits.Mapper, left *int) (any, error) {
	encoded := map[string]any{}
	for i := fields.Iterator(); i.HasNext() == types.True; {
		key := i.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, errors.New("the keys of a map must be strings")
		}
		if *left -= len(name); *left < 0 {
			return nil, errValueTooLarge
		}
		item, err := encodeValue(fields.Get(key), left)
		if err != nil {
			return nil, err
		}
		encoded[string(name)] = item
	}
	return encoded, nil
}
