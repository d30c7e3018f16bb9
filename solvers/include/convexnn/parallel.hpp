// Run independent chunks on a few threads; nothing stays alive after the call.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "convexnn/interrupt.hpp"

namespace convexnn {

// Calls work(i, thread) for i in [0, count). Chunks are handed out dynamically, so `work(i, .)` must write
// only its own results: then they do not depend on the number of threads. Every thread asks `stop` before a chunk; a
// chunk that may take longer than some milliseconds must ask too. Returns false if stopped; the first exception of a
// chunk ends all threads and is thrown here.
template <class Work>
bool parallel_for(std::size_t count, unsigned threads, StopCheck& stop, Work&& work) {
    threads = static_cast<unsigned>(std::max<std::size_t>(1, std::min<std::size_t>(threads, count)));
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::condition_variable ended;
    std::exception_ptr failure;  // these two under the mutex
    unsigned running = 0;
    auto run = [&](unsigned thread) {
        try {
            while (true) {
                const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
                if (i >= count || stop()) return;
                work(i, thread);
            }
        } catch (...) {
            next = count;
            const std::lock_guard<std::mutex> lock(mutex);
            if (!failure) failure = std::current_exception();
        }
    };
    std::vector<std::thread> pool;
    pool.reserve(threads);
    for (unsigned t = 1; t < threads; ++t) {
        try {
            const std::lock_guard<std::mutex> lock(mutex);
            pool.emplace_back([&, t] {
                run(t);
                const std::lock_guard<std::mutex> inner(mutex);
                --running;
                ended.notify_one();
            });
            ++running;
        } catch (const std::system_error&) {
            break;  // no more threads to be had: the work is done by those there are
        }
    }
    run(0);
    // The others may be inside long chunks: keep listening for signals.
    std::unique_lock<std::mutex> lock(mutex);
    while (!ended.wait_for(lock, std::chrono::milliseconds(20), [&] { return running == 0; })) {
        lock.unlock();
        stop();
        lock.lock();
    }
    lock.unlock();
    for (std::thread& t : pool) t.join();
    if (failure) std::rethrow_exception(failure);
    return !stop.stopped();
}

}  // namespace convexnn
