#pragma once

namespace mta::test {

// From its making, the allocation behind so many others of this thread fails, once, with std::bad_alloc.
class Scarcity {
public:
    explicit Scarcity(long others);
    ~Scarcity();
    Scarcity(const Scarcity&) = delete;
    Scarcity& operator=(const Scarcity&) = delete;
    bool has_struck() const;
};

// Lets each allocation of work() fail in turn, until none is left. prepare() comes before each try, look() behind it.
template <class Prepare, class Work, class Look>
void fail_each_allocation(Prepare prepare, Work work, Look look)
{
    bool has_struck = true;
    for (long others = 0; has_struck; ++others) {
        prepare();
        {
            Scarcity scarcity(others);
            work();
            has_struck = scarcity.has_struck();
        }
        look();
    }
}

}  // namespace mta::test
