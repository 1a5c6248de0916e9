#include "t/unit/scarcity.h"

#include <cstdlib>
#include <new>

namespace {

constexpr long never = -1;
thread_local long left = never;  // allocations before the one that fails
thread_local bool struck = false;

}  // namespace

// All of the test program's memory comes through here, so that a sanitizer sees one kind only.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    if (left != never && left-- == 0) {
        struck = true;
        return nullptr;
    }
    return std::malloc(size > 0 ? size : 1);
}

void* operator new(std::size_t size)
{
    if (void* memory = ::operator new(size, std::nothrow))
        return memory;
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace mta::test {

Scarcity::Scarcity(long others)
{
    struck = false;
    left = others;
}
Scarcity::~Scarcity() { left = never; }
bool Scarcity::has_struck() const { return struck; }

}  // namespace mta::test
