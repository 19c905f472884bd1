#pragma once

#include <cryptopp/misc.h>

#include <cstdint>

namespace bsp {

/// Overwrites a string or byte vector when it goes out of scope, so that a secret does not stay in freed
/// memory. Declare it after what it guards.
template <class Container>
class wipe_on_exit {
public:
    explicit wipe_on_exit(Container& secret) : secret_{secret} {}
    wipe_on_exit(wipe_on_exit const&) = delete;
    wipe_on_exit& operator=(wipe_on_exit const&) = delete;
    ~wipe_on_exit() { CryptoPP::SecureWipeBuffer(reinterpret_cast<std::uint8_t*>(secret_.data()), secret_.size()); }

private:
    Container& secret_;
};

}  // namespace bsp
