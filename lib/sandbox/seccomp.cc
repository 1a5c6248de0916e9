#include "sandbox/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <map>

#include "base/fd.h"

namespace mta::sandbox {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
#error "no system call filter for this processor: add its AUDIT_ARCH"
#endif

constexpr std::uint32_t kill = SECCOMP_RET_KILL_PROCESS, pass = SECCOMP_RET_ALLOW;
constexpr std::uint32_t fail(int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); }
// A debugger puts this number in place of a call that it suppresses; the kernel has no call of this number.
constexpr std::uint32_t suppressed = ~0u;
// Later kernels have more calls: a C library that tries one has something else for kernels without it.
constexpr std::uint32_t first_unknown = 450;
constexpr std::uint32_t foreign_table = 0x40000000;  // x32

}  // namespace

// A binary search over the numbers, and for each number that needs it the check of its arguments.
class Compiler {
public:
    Compiler(Filter::Kind kind, const std::vector<Call>& calls) : listed_(kind == Filter::Kind::allow ? pass : fail(EPERM)), other_(kind == Filter::Kind::allow ? kill : pass)
    {
        for (const auto& call : calls)
            known_[static_cast<std::uint32_t>(call.number)].push_back(&call);
        known_[static_cast<std::uint32_t>(SYS_clone3)] = {};  // its flags are out of reach; C libraries then use clone
    }

    Filter compile()
    {
        load(offsetof(seccomp_data, arch));
        emit(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0);
        emit(BPF_RET | BPF_K, other_ == kill ? kill : fail(EPERM));
        load(offsetof(seccomp_data, nr));
        emit(BPF_JMP | BPF_JEQ | BPF_K, suppressed, 0, 1);
        emit(BPF_RET | BPF_K, pass);
        emit(BPF_JMP | BPF_JGE | BPF_K, foreign_table, 0, 1);
        emit(BPF_RET | BPF_K, other_ == kill ? kill : fail(EPERM));
        emit(BPF_JMP | BPF_JGE | BPF_K, first_unknown, 0, 1);
        emit(BPF_RET | BPF_K, other_ == kill ? fail(ENOSYS) : pass);
        make_segments();
        search(0, segments_.size());
        return std::move(filter_);
    }

private:
    // Numbers from first to the next segment's have the same verdict.
    struct Segment {
        std::uint32_t first;
        std::uint32_t verdict;
        const std::vector<const Call*>* checks;  // instead of a verdict
    };

    void make_segments()
    {
        add_segment({0, other_, nullptr});
        for (const auto& [number, calls] : known_) {
            bool is_plain = std::any_of(calls.begin(), calls.end(), [](const Call* call) { return call->conditions.empty(); });
            add_segment({number, calls.empty() ? fail(ENOSYS) : listed_, calls.empty() || is_plain ? nullptr : &calls});
            add_segment({number + 1, other_, nullptr});
        }
    }

    void add_segment(Segment segment)
    {
        if (!segments_.empty() && segments_.back().first == segment.first)
            segments_.pop_back();
        bool is_same = !segments_.empty() && !segment.checks && !segments_.back().checks && segments_.back().verdict == segment.verdict;
        if (!is_same)
            segments_.push_back(segment);
    }

    void search(std::size_t begin, std::size_t end)
    {
        if (end - begin == 1)
            return decide(segments_[begin]);
        auto middle = begin + (end - begin) / 2;
        emit(BPF_JMP | BPF_JGE | BPF_K, segments_[middle].first, 0, 1);
        auto jump = emit(BPF_JMP | BPF_JA, 0);
        search(begin, middle);
        filter_.code_[jump].k = static_cast<std::uint32_t>(filter_.code_.size() - jump - 1);
        search(middle, end);
    }

    void decide(const Segment& segment)
    {
        if (!segment.checks) {
            emit(BPF_RET | BPF_K, segment.verdict);
            return;
        }
        for (const auto* call : *segment.checks)
            check(call->conditions);
        emit(BPF_RET | BPF_K, other_);
    }

    // Three instructions for each condition, then the verdict; goes on behind it if one does not hold.
    void check(const Conditions& conditions)
    {
        auto left = conditions.size();
        for (const auto& condition : conditions) {
            --left;
            auto offset = offsetof(seccomp_data, args) + condition.argument * sizeof(std::uint64_t) + (condition.is_upper ? 4u : 0u);
            load(offset);
            emit(BPF_ALU | BPF_AND | BPF_K, condition.mask);
            auto compare = emit(BPF_JMP | BPF_JEQ | BPF_K, condition.value, 0, static_cast<std::uint8_t>(left * 3 + 1));
            if (condition.kind == Condition::Value::own_pid)
                filter_.own_pid_.push_back(compare);
        }
        emit(BPF_RET | BPF_K, listed_);
    }

    void load(std::size_t offset) { emit(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
    std::size_t emit(unsigned code, std::uint32_t value, std::uint8_t if_true = 0, std::uint8_t if_false = 0)
    {
        filter_.code_.push_back({static_cast<std::uint16_t>(code), if_true, if_false, value});
        return filter_.code_.size() - 1;
    }

    std::uint32_t listed_, other_;
    std::map<std::uint32_t, std::vector<const Call*>> known_;
    std::vector<Segment> segments_;
    Filter filter_;
};

Filter Filter::make(Kind kind, const std::vector<Call>& calls) { return Compiler(kind, calls).compile(); }

Result<void> Filter::load() const
{
    if (code_.empty())
        return {};
    auto code = code_;
    for (auto place : own_pid_)
        code[place].k = static_cast<std::uint32_t>(::getpid());
    sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return errno_error("seccomp");
    return {};
}

}  // namespace mta::sandbox
