-- Run inside `nvim --headless` by wire_neovim.py. Two channels, as two programs would have them: a connector and an agent.
local function open(role, name)
  local channel = vim.fn.sockconnect('tcp', os.getenv('SWITCHBOARD_ADDRESS'), { rpc = true })
  local hello = { protocol = 1, role = role, workspace = 'default', client = 'neovim/0' }
  hello.name = name
  local answer = vim.rpcrequest(channel, 'hello', hello)
  assert(answer.protocol == 1 and answer.workspace == 'default')
  return channel
end

local function work()
  local shop = open('connector', 'neovim')
  local agent = open('agent')
  local submitted = vim.rpcrequest(shop, 'contact.submit',
    { id = 'from-neovim', channel = 'chat', text = 'Wo ist mein Paket?', customer = { id = 'c1' } })
  assert(submitted.state == 'waiting' and submitted.position == 1)

  -- Neovim hands notifications to functions that it knows; an agent that pulls needs none.
  vim.rpcrequest(agent, 'agent.sign_in', { agent = 'nvim', mode = 'pull', state = 'available' })
  local offers = vim.rpcrequest(agent, 'agent.pull', { max = 1, wait_ms = 5000 }).offers
  assert(#offers == 1 and offers[1].text == 'Wo ist mein Paket?')
  assert(vim.rpcrequest(agent, 'offer.accept', { offer = offers[1].offer }).state == 'active')

  -- A refusal is an error in Neovim, with the words of the error map.
  local ok, problem = pcall(vim.rpcrequest, shop, 'contact.cancel', { contact = 'from-neovim' })
  assert(not ok, 'an active contact cannot be cancelled')

  local done = vim.rpcrequest(agent, 'contact.complete', { contact = 'from-neovim', wrap_up_ms = 0 })
  return done.state
end

local ok, result = pcall(work)
io.stdout:write(tostring(result) .. '\n')
vim.cmd(ok and 'qall!' or 'cquit 1')
