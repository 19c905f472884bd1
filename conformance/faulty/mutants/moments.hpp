#pragma once

#include "../backend.hpp"

/// Faults that show only in requests of one kind: their backends know while they serve one.
namespace bsp::faulty {

template <class Base>
struct knows_local_writes : Base {
    using Base::Base;

    typename Base::answer write_message(call const& c, std::string const& id) override {
        writing_ = true;
        auto out = Base::write_message(c, id);
        writing_ = false;
        return out;
    }

protected:
    bool writing_ = false;
};

template <class Base>
struct knows_later_pages : Base {
    using Base::Base;

    typename Base::answer pull(call const& c, std::string const& peer_id) override {
        later_page_ = c.parameter("cursor") != nullptr;
        auto out = Base::pull(c, peer_id);
        later_page_ = false;
        return out;
    }

protected:
    bool later_page_ = false;  ///< of a pull
};

}  // namespace bsp::faulty
