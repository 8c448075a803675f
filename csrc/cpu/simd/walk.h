// Loops over the vectors of a stretch of memory, and over those of a row's columns.
#pragma once

#include "vector.h"

namespace zoo {
namespace {

// Calls body(offset, values) for the vectors of a row or a plane: whole ones in a loop without a test, then what is left.
// Bodies that store capture by value: a store through a pointer may, for all the compiler knows, change what is captured by
// reference.
template <class T, class F>
ZOO_INLINE void along(int64_t length, const F& body) {
  int64_t i = 0;
  for (; i + lanes<T> <= length; i += lanes<T>) body(i, Constant<lanes<T>>{});
  if (i < length) body(i, int(length - i));
}

// The same from offset i on, for bodies that can do with a last vector that overlaps the one before it.
template <class T, class F>
ZOO_INLINE void along_plane(int64_t i, int64_t length, const F& body) {
  for (; i + lanes<T> <= length; i += lanes<T>) body(i, Constant<lanes<T>>{});
  if (i == length) return;
  if (length >= lanes<T>) body(length - lanes<T>, Overlapping{int(length - i)});
  else body(i, int(length - i));
}

// How many vectors of columns are summed at a time where each has two sums in registers.
constexpr int kColumns = ZOO_VECTOR_BYTES == 64 ? 8 : 4;

// Calls body(column, vectors, values per vector) for all columns, `Most` vectors at a time where there are as many: rows
// of up to that width are read straight through.
template <class T, int Most = kColumns, class F>
ZOO_INLINE void columns(int64_t channels, const F& body) {
  int64_t c = 0;
  for (; c + Most * lanes<T> <= channels; c += Most * lanes<T>) body(c, Constant<Most>{}, Constant<lanes<T>>{});
  for (; c + 4 * lanes<T> <= channels; c += 4 * lanes<T>) body(c, Constant<4>{}, Constant<lanes<T>>{});
  for (; c + lanes<T> <= channels; c += lanes<T>) body(c, Constant<1>{}, Constant<lanes<T>>{});
  if (c < channels) body(c, Constant<1>{}, int(channels - c));
}

}  // namespace
}  // namespace zoo
