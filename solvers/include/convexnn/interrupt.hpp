// Cooperative interruption: kernels ask between chunks whether they should stop.
#pragma once

#include <functional>

namespace convexnn {

// Returns true when the kernel must return early (a signal arrived). Called from the calling thread
// only, at least every 50 ms. An empty function means "never".
using StopCheck = std::function<bool()>;

inline bool should_stop(const StopCheck& check) { return check && check(); }

}  // namespace convexnn
