#include "smtp/client.h"

#include "log/log.h"
#include "smtp/destination.h"

namespace mta::smtpc {

Client::Client(const Params& params, Parts parts, service::Dns& dns)
    : params_(params), parts_(std::move(parts)), finder_(params, parts_.finder, parts_.self, dns),
      is_verbose_(log::verbose())
{
}

void Client::deliver(deliver::Job& job) { Delivery(*this, job).run(); }

void Client::renew()
{
    parts_.logins.renew();
    parts_.debug_peers.renew();
}

void Client::close()
{
    if (kept_)
        kept_->quit();
    kept_.reset();
}

}  // namespace mta::smtpc
