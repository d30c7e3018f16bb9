// Run independent chunks on a few threads; nothing stays alive after the call.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "convexnn/interrupt.hpp"

namespace convexnn {

// Calls work(i, thread) for i in [0, count). Chunks are handed out dynamically, so `work(i, .)` must write
// only its own results: then they do not depend on the number of threads. Only the calling thread asks
// `stop`, at most every 20 ms. Returns false if stopped.
template <class Work>
bool parallel_for(std::size_t count, unsigned threads, const StopCheck& stop, Work&& work) {
    threads = static_cast<unsigned>(std::max<std::size_t>(1, std::min<std::size_t>(threads, count)));
    std::atomic<std::size_t> next{0};
    std::atomic<bool> stopped{false};
    auto run = [&](unsigned thread, bool ask) {
        auto asked = std::chrono::steady_clock::now();
        while (!stopped.load(std::memory_order_relaxed)) {
            const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
            if (i >= count) return;
            work(i, thread);
            if (!ask) continue;
            const auto now = std::chrono::steady_clock::now();
            if (now - asked < std::chrono::milliseconds(20)) continue;
            asked = now;
            if (should_stop(stop)) stopped = true;
        }
    };
    std::vector<std::thread> pool;
    for (unsigned t = 1; t < threads; ++t) pool.emplace_back(run, t, false);
    run(0, true);
    for (std::thread& t : pool) t.join();
    return !stopped;
}

}  // namespace convexnn
