#pragma once

#include <cstddef>

namespace mta {

// The memory that one peer can make us hold. Whoever keeps something for the peer has a Share of its budget and says how large that
// is; what does not fit is not kept, and the peer is told so in the words of its protocol.
class Budget {
public:
    class Share;

    explicit Budget(std::size_t limit) : limit_(limit) {}
    Budget(const Budget&) = delete;  // shares hold our address

    std::size_t limit() const { return limit_; }
    void set_limit(std::size_t bytes) { limit_ = bytes; }  // when more is known of the peer
    std::size_t used() const { return used_; }
    std::size_t left() const { return used_ < limit_ ? limit_ - used_ : 0; }
    std::size_t highest() const { return highest_; }       // that was ever used

private:
    std::size_t limit_, used_ = 0, highest_ = 0;
};

// What one part of us keeps for the peer; given back when it is destroyed, which must be before the budget.
class Budget::Share {
public:
    explicit Share(Budget& budget) : budget_(budget) {}
    ~Share() { budget_.used_ -= size_; }
    Share(const Share&) = delete;

    std::size_t size() const { return size_; }
    // So much is kept now. False if that is more than before and does not fit: the share stays what it was.
    [[nodiscard]] bool resize(std::size_t bytes)
    {
        if (bytes > size_ && bytes - size_ > budget_.left())
            return false;
        budget_.used_ = budget_.used_ - size_ + bytes;
        size_ = bytes;
        if (budget_.used_ > budget_.highest_)
            budget_.highest_ = budget_.used_;
        return true;
    }
    [[nodiscard]] bool grow(std::size_t bytes) { return bytes <= budget_.left() && resize(size_ + bytes); }
    void clear() { static_cast<void>(resize(0)); }

private:
    Budget& budget_;
    std::size_t size_ = 0;
};

}  // namespace mta
