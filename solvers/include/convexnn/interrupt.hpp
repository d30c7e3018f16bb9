// When a kernel must return early: a deadline has passed, or a signal (Ctrl-C) has arrived.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

namespace convexnn {

constexpr std::size_t kPart = 65536;  // elements of a simple loop between two looks at the clock, below a millisecond

// Asked by kernels at least every 50 ms of work, from any thread; once true it stays true. Signals are looked for only
// in the thread that made this object, at most every 20 ms, because that takes the interpreter's lock.
class StopCheck {
public:
    static constexpr double kNever = std::numeric_limits<double>::infinity();

    // seconds: time left from now on, infinity for none. `signal` returns true when a signal has arrived.
    explicit StopCheck(double seconds = kNever, std::function<bool()> signal = {})
        : signal_(std::move(signal)), owner_(std::this_thread::get_id()), asked_(Clock::now()) {
        constexpr double kFar = 1e9;  // thirty years, which the clock can still count
        limited_ = seconds < kFar;
        stopped_ = seconds <= 0.0;
        if (limited_) end_ = asked_ + std::chrono::nanoseconds(static_cast<long long>(1e9 * std::max(seconds, 0.0)));
    }

    // work: elements of a simple loop until the next question, or their equivalent. Small ones add up before the clock
    // is read, which costs as much as some dozens.
    bool operator()(std::size_t work = kPart) {
        if (stopped()) return true;
        static thread_local std::size_t unasked = 0;
        unasked += work;
        if (unasked < kPart / 4) return false;
        unasked = 0;
        const Clock::time_point now = Clock::now();
        bool stop = limited_ && now >= end_;
        // `asked_` belongs to the owner: no other thread may look at it.
        if (!stop && signal_ && std::this_thread::get_id() == owner_ && now - asked_ >= std::chrono::milliseconds(20)) {
            asked_ = now;
            stop = signalled_ = signal_();
        }
        if (stop) stopped_ = true;
        return stop;
    }

    bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
    bool signalled() const { return signalled_; }

private:
    using Clock = std::chrono::steady_clock;
    std::function<bool()> signal_;
    std::thread::id owner_;
    Clock::time_point asked_, end_;
    bool limited_ = false, signalled_ = false;
    std::atomic<bool> stopped_{false};
};

// Calls run(first, last) for consecutive ranges of [0, count) of the length `part`, which should take some milliseconds
// at most, asking before each. Returns false if stopped.
template <class Run>
bool in_parts(std::size_t count, std::size_t part, StopCheck& stop, Run&& run) {
    for (std::size_t first = 0; first < count; first += part) {
        const std::size_t last = std::min(count, first + part);
        if (stop(kPart * (last - first) / part)) return false;
        run(first, last);
    }
    return true;
}

// std::sort of numbers that are all different (so that the order is unique), in blocks that are merged pairwise.
// Returns false if stopped, with the numbers in any order.
template <class T>
bool sort_distinct(std::vector<T>& numbers, std::vector<T>& scratch, StopCheck& stop) {
    const std::size_t n = numbers.size();
    const bool sorted = in_parts(n, kPart, stop, [&](std::size_t first, std::size_t last) {
        std::sort(numbers.begin() + static_cast<std::ptrdiff_t>(first), numbers.begin() + static_cast<std::ptrdiff_t>(last));
    });
    if (!sorted) return false;
    for (std::size_t width = kPart; width < n; width *= 2) {
        scratch.resize(n);
        for (std::size_t begin = 0; begin < n; begin += 2 * width) {
            const std::size_t middle = std::min(n, begin + width), end = std::min(n, begin + 2 * width);
            std::size_t a = begin, b = middle;
            const bool merged = in_parts(end - begin, kPart, stop, [&](std::size_t first, std::size_t last) {
                for (std::size_t k = begin + first; k < begin + last; ++k)
                    scratch[k] = b == end || (a < middle && numbers[a] < numbers[b]) ? numbers[a++] : numbers[b++];
            });
            if (!merged) return false;
        }
        numbers.swap(scratch);
    }
    return true;
}

}  // namespace convexnn
